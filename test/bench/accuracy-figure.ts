// Accuracy of the default engine on MovieTweetings' random split, by `accuracy.ts`.
import type { Report } from './report.ts'
import { script } from './script.ts'

export async function run(report: Report): Promise<void> {
  const { recallAt10, ndcgAt10, users } = JSON.parse(await script('accuracy.ts')) as Record<
    string,
    number
  >
  report.add({
    name: 'accuracy, MovieTweetings random',
    value: `R@10 ${recallAt10}, NDCG@10 ${ndcgAt10}`,
    cost: `${users} users`,
    target: '>= 0.216, >= 0.163 (popularity .1718, .1275)',
    reached: Number(recallAt10) >= 0.216 && Number(ndcgAt10) >= 0.163,
  })
}
