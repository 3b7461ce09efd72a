// How the two kinds of index are laid out.
//
//   PREFIX.items.APP                what was told of an app's items, for versions to come; nothing in it is searched but
//                                   for the scan of a build
//     kind      state | seen
//     item, offset, digest, exists, deleted, properties (JSON text)  of a state: its document version is the offset
//     item, event                                                    of a sighting
//     done                                                           it was merged into the versions
//
//   PREFIX.version.ENGINE.BUILD     one document an item: the lists of the model, and a copy of the item's state
//     item      the item's id as a key: sorts as the id does, and comes back with every hit
//     evidence  sparse vector: `INDICATOR=ID` → weight, `prior=RANKING` → weight of the prior clause
//     lists     fields of the model that have values: `i0`, and lengths
//     rank.*    rankings, trained and live
//     fields    properties that have values: `pcolor`, and lengths
//     text      values of properties, for rules: `5:color=red`
//     date.*    properties that are dates, milliseconds
//     live      a document that may be returned
//     shard     where Elasticsearch 5 would have kept it
//   and, read by id only: model, seen, offset, digest, deleted, described, document
//
// A version does not refresh by itself: the sink and the builder do it.
import type { Model } from '#schemas/model'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { fieldName } from './keys.ts'
import type { VersionMeta } from './versions.ts'

const KEYWORD = { type: 'keyword' }
const DOUBLE = { type: 'double' }

const SETTINGS = {
  number_of_shards: 1,
  refresh_interval: -1,
  max_result_window: ELASTICSEARCH_LIMITS.window,
}

/** A copy on a second node, where there is one. */
const SAFE = { auto_expand_replicas: '0-1' }

export function itemsLayout(): unknown {
  return {
    settings: { index: { ...SETTINGS, ...SAFE, refresh_interval: '30s' } },
    mappings: {
      dynamic: false,
      properties: { kind: KEYWORD, event: KEYWORD },
    },
  }
}

/** @param major of the server: from 9 on vectors stay in the source only when asked */
export function versionLayout(meta: VersionMeta, model: Model, major: number): unknown {
  const rankings = [
    ...model.rankings.map(({ name }) => name),
    ...meta.version.userDefinedRankings,
  ].map((name) => [fieldName(name), DOUBLE])
  return {
    settings: {
      index: {
        ...SETTINGS,
        number_of_replicas: 0,
        // A build that is interrupted is thrown away, so it need not be on disk document by document.
        translog: { durability: 'async' },
        mapping: {
          total_fields: { limit: ELASTICSEARCH_LIMITS.fields, ignore_dynamic_beyond_limit: true },
          ...(major >= 9 && { exclude_source_vectors: false }),
        },
      },
    },
    mappings: {
      dynamic: false,
      _meta: meta,
      dynamic_templates: [{ dates: { path_match: 'date.*', mapping: DOUBLE } }],
      properties: {
        item: KEYWORD,
        // Without pruning: the server would leave out frequent terms of small weight without a word.
        evidence: { type: 'sparse_vector', index_options: { prune: false } },
        lists: KEYWORD,
        fields: KEYWORD,
        text: KEYWORD,
        live: { type: 'boolean' },
        shard: { type: 'byte' },
        rank: { dynamic: false, properties: Object.fromEntries(rankings) },
        date: { type: 'object', dynamic: true },
      },
    },
  }
}

/** Settings of a version when it is whole. */
export function openSettings(): unknown {
  return { index: { ...SAFE, translog: { durability: 'request' } } }
}
