// The model's lists of some items, read back from their documents.
import type { ItemLists } from '#ports/item-index'
import type { ElasticsearchClient } from './client.ts'
import { documentId, fromKey, parseEvidenceTerm } from './keys.ts'
import { readDocuments } from './version-writer.ts'
import type { VersionIndex } from './versions.ts'

interface ListsDocument {
  readonly item: string
  readonly model: boolean
  readonly document: boolean
  readonly evidence?: Readonly<Record<string, number>>
}

const MEMBERS = ['item', 'model', 'document', 'evidence']

/** @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED */
export async function readLists(
  client: ElasticsearchClient,
  { name, meta }: VersionIndex,
  items: readonly string[],
): Promise<readonly ItemLists[]> {
  const ids = items.map(documentId)
  const found = await readDocuments<ListsDocument>(client, name, ids, MEMBERS)
  return found.flatMap((document) => {
    if (document === null) return []
    const { document: counts, evidence = {}, item, model } = document._source
    return model && counts
      ? [{ item: fromKey(item), lists: toLists(evidence, meta.indicators) }]
      : []
  })
}

function toLists(
  evidence: Readonly<Record<string, number>>,
  indicators: readonly string[],
): ItemLists['lists'] {
  const entries = indicators.map((): { id: string; weight: number }[] => [])
  for (const [term, weight] of Object.entries(evidence)) {
    const parsed = parseEvidenceTerm(term)
    if (parsed !== null) entries[parsed.indicator]?.push({ id: parsed.id, weight })
  }
  return indicators.map((indicator, place) => {
    const list = entries[place] ?? []
    list.sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))
    return { indicator, ids: list.map(({ id }) => id), weights: list.map(({ weight }) => weight) }
  })
}
