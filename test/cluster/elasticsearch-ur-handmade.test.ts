// The Universal Recommender's own test, answered from Elasticsearch: scores of every scoring of old, to the bit.
import { after } from 'node:test'
import { handmadeSuite } from '../compat/ur-handmade-suite.ts'
import { createTestIndexes } from '../support/elasticsearch.ts'
import { clusterUrl } from '../support/test-cluster.ts'

const indexes = await createTestIndexes(clusterUrl('index'))
after(() => indexes.close())

handmadeSuite(() => indexes.open())
