// Files that a crash left between writing a range's columns and publishing the range.
import type { Archive } from '#ports/archive'
import type { Files } from '#ports/files'
import { ARCHIVE, parseColumnsPath } from './layout.ts'

/**
 * Removes column files that no range names and none will: they begin inside what is published. Files that begin behind
 * it may be another writer's who is just about to publish, and stay. Returns the number of files removed.
 */
export async function sweepArchive(files: Files, archive: Archive): Promise<number> {
  const ranges = await archive.ranges()
  const named = new Set(ranges.flatMap((range) => range.files.map(({ path }) => path)))
  const covered = (generation: number, partition: number, start: number): boolean =>
    ranges.some(
      (range) =>
        range.generation === generation &&
        range.partition === partition &&
        range.start <= start &&
        start < range.end,
    )
  let removed = 0
  for (const { path } of await files.list(ARCHIVE)) {
    const name = parseColumnsPath(path)
    if (name === null || named.has(path)) continue
    if (!covered(name.generation, name.partition, name.start)) continue
    await files.remove(path)
    removed++
  }
  return removed
}
