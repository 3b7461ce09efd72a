import { silentTelemetry } from '#ports/telemetry'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { createMemoryItemIndex } from '../support/memory/item-index.ts'
import { itemIndexSuite } from './item-index-suite.ts'

itemIndexSuite({ name: 'in memory', create: createMemoryItemIndex })
itemIndexSuite({
  name: 'embedded',
  create: () => createItemIndex({ telemetry: silentTelemetry }),
})
