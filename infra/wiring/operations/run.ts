// Operations: what commands do to a platform, by name. A command runs one in its own process when nobody owns the data
// folder, and through the owner's admin API when somebody does; the operation does not know which.
import { MillraceError } from '#ports/errors'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { accessKeyDelete, accessKeyList, accessKeyNew } from './access-keys.ts'
import {
  appDelete,
  appKafkaUser,
  appList,
  appNew,
  appShow,
  channelDelete,
  channelNew,
  dataDelete,
} from './apps.ts'
import { deadLettersList, deadLettersResend, deadLettersShow } from './dead-letters.ts'
import { engineAdd, engineDefault, engineList, engineRemove, engineShow } from './engines.ts'
import { erase } from './erase.ts'
import { exportEvents } from './export.ts'
import { importEvents } from './import.ts'
import { modelList, modelRollback } from './models.ts'
import type { Operation, OperationContext } from './operation.ts'
import { replay } from './replay.ts'
import { engineSchedule } from './schedule.ts'
import { status } from './status.ts'
import { sync } from './sync.ts'
import { train, trainCancel } from './train.ts'

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'app.new': appNew,
  'app.list': appList,
  'app.kafka-user': appKafkaUser,
  'app.show': appShow,
  'app.delete': appDelete,
  'app.data-delete': dataDelete,
  'app.channel-new': channelNew,
  'app.channel-delete': channelDelete,
  'accesskey.new': accessKeyNew,
  'accesskey.list': accessKeyList,
  'accesskey.delete': accessKeyDelete,
  'engine.add': engineAdd,
  'engine.list': engineList,
  'engine.show': engineShow,
  'engine.default': engineDefault,
  'engine.remove': engineRemove,
  'engine.schedule': engineSchedule,
  erase,
  replay,
  import: importEvents,
  export: exportEvents,
  train,
  'train.cancel': trainCancel,
  'model.list': modelList,
  'model.rollback': modelRollback,
  'dead-letters.list': deadLettersList,
  'dead-letters.show': deadLettersShow,
  'dead-letters.resend': deadLettersResend,
  status,
  sync,
}

/** Runs the operation of this name. @throws MillraceError NOT_FOUND, and whatever the operation throws */
export async function runOperation(
  platform: Platform,
  name: string,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (operation === undefined)
    throw new MillraceError('NOT_FOUND', { what: `The operation ${name}` })
  return operation(platform, args, context)
}
