import { silentTelemetry } from '#ports/telemetry'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { handmadeSuite } from './ur-handmade-suite.ts'

handmadeSuite(() => createItemIndex({ telemetry: silentTelemetry }))
