// One scored query over one version: one request, but for the scorings of old, which need statistics first, and for biases
// that a float32 does not hold, where more than one page may have to be looked at.
import type { ScoredAnswer, ScoredQuery } from '#schemas/query'
import {
  compareHits,
  EXPLAINED_MEMBERS,
  exactScore,
  type RankedHit,
  rankedHit,
  type SearchHit,
  type SortOrder,
  sortOrder,
  toHit,
  type WeighMatch,
} from './answer.ts'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { type Clause, filtersOf } from './filter.ts'
import { oldQuery, shardsOf } from './old-query.ts'
import type { Statistics } from './statistics.ts'
import type { VersionIndex } from './versions.ts'
import { PARTS_MAX, weightedQuery } from './weighted-query.ts'

export interface SearchDeps {
  readonly client: ElasticsearchClient
  readonly statistics: Statistics
}

/** What the answer lacks when a query has more evidence than one query of Elasticsearch may hold. */
const EVIDENCE = 'evidence'

/** @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED */
export async function searchVersion(
  deps: SearchDeps,
  index: VersionIndex,
  asked: ScoredQuery,
): Promise<ScoredAnswer> {
  const query = withinLimit(asked)
  const degraded = query === asked ? [] : [EVIDENCE]
  if (query.num <= 0) return { hits: [], degraded }
  const { indicators } = index.meta
  const filters = filtersOf(query, indicators)
  if (query.scoring === 'weighted') {
    const plan = weightedQuery(query, index.meta, filters)
    const clauses = [plan.scoredOnly ?? plan.query, plan.query]
    const look = lookAt(deps, index, query, clauses, !plan.isExact)
    const page = plan.isExact ? await look(query.from, query.num) : await exactPage(look, query)
    const weigh: WeighMatch = ({ boost }, _id, weight) => boost * weight
    return { hits: page.map((hit) => toHit(hit, query, indicators, weigh)), degraded }
  }
  const plan = oldQuery(query, indicators)
  const counts = await deps.statistics.count(index.name, plan.counts, shardsOf(query) > 1)
  const look = lookAt(deps, index, query, [plan.build(counts, filters)], false)
  const page = await look(query.from, query.num)
  const weigh: WeighMatch = (clause, id, _weight, shard) => plan.weightOf(counts, clause, id, shard)
  return { hits: page.map((hit) => toHit(hit, query, indicators, weigh)), degraded }
}

/** The query with no more ids than its clauses may cost; itself when it is small enough. */
function withinLimit(query: ScoredQuery): ScoredQuery {
  const ids = query.evidence.reduce((sum, clause) => sum + clause.ids.length, 0)
  const values = query.rules.reduce((sum, { values: { length } }) => sum + length, 0)
  const room = Math.floor(ELASTICSEARCH_LIMITS.clauses / clausesOfTerm(query)) - values
  if (ids <= room) return query
  const most = Math.max(1, Math.floor(room / query.evidence.length))
  const evidence = query.evidence.map((clause) => ({ ...clause, ids: clause.ids.slice(0, most) }))
  return { ...query, evidence }
}

/** Clauses that one term costs at most. */
function clausesOfTerm(query: ScoredQuery): number {
  if (query.scoring !== 'weighted') return 2 * shardsOf(query)
  return query.evidence.every(({ boost }) => boost === 1) ? 1 : PARTS_MAX
}

type Look = (from: number, size: number) => Promise<readonly RankedHit[]>

/** The page of the first of the clauses that fills it, else of the last. */
function lookAt(
  { client }: SearchDeps,
  { name, meta }: VersionIndex,
  query: ScoredQuery,
  clauses: readonly Clause[],
  named: boolean,
): Look {
  const known = [...meta.rankings, ...meta.version.userDefinedRankings]
  const order: SortOrder = sortOrder(query, known)
  const lookWith = async (clause: Clause, from: number, size: number) => {
    const { hits } = await client.request<{ hits: { hits: readonly SearchHit[] } }>(
      'POST',
      `/${name}/_search`,
      {
        body: {
          query: clause,
          sort: order.sort,
          from,
          size,
          track_total_hits: false,
          _source: query.explain ? EXPLAINED_MEMBERS : false,
        },
        query: {
          ...(named && { include_named_queries_score: true }),
          allow_partial_search_results: false,
        },
        timeoutMs: ELASTICSEARCH_LIMITS.searchMs,
      },
    )
    return hits.hits.map((hit) => rankedHit(hit, query, order))
  }
  return async (from, size) => {
    let page: readonly RankedHit[] = []
    for (const clause of new Set(clauses)) {
      page = await lookWith(clause, from, size)
      if (page.length === size) break
    }
    return page
  }
}

/** Looked at beyond the page, so that one look nearly always is enough. */
const MARGIN = 20

/** How far a score of Elasticsearch may be off, relatively: one rounding of each factor, one of the product. */
const ERROR = 2 ** -23

/**
 * The page in order of the scores that the port asks for. A hit beyond those looked at cannot be on it if even the largest
 * error would not lift its score to the page's lowest; else as many again are looked at, up to Elasticsearch's window.
 */
async function exactPage(look: Look, query: ScoredQuery): Promise<readonly RankedHit[]> {
  const wanted = query.from + query.num
  const rules = query.rules.filter(({ bias }) => bias > 0).length
  const slack = 1 + (rules + 1) * ERROR
  for (let size = wanted + MARGIN; ; size *= 2) {
    const hits = await look(0, Math.min(size, ELASTICSEARCH_LIMITS.window))
    const exact = hits.map((hit) => ({ ...hit, score: exactScore(hit, query) })).sort(compareHits)
    const last = hits.at(-1)?.score ?? 0
    const lowest = exact[wanted - 1]?.score ?? 0
    const isAll = hits.length < size || last * slack < lowest || last === 0
    if (isAll || size >= ELASTICSEARCH_LIMITS.window) return exact.slice(query.from, wanted)
  }
}
