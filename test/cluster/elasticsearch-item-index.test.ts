// The conformance suite of the item index over a real Elasticsearch, and the random test against its twin.
import { after } from 'node:test'
import { itemIndexRandomTests } from '../conformance/item-index-random-suite.ts'
import { itemIndexSuite } from '../conformance/item-index-suite.ts'
import { createTestIndexes } from '../support/elasticsearch.ts'
import { clusterUrl } from '../support/test-cluster.ts'

const indexes = await createTestIndexes(clusterUrl('index'))
after(() => indexes.close())

itemIndexSuite({ name: 'Elasticsearch', create: () => indexes.open() })
itemIndexRandomTests({ name: 'Elasticsearch', create: () => indexes.open(), seeds: 3, steps: 60 })
