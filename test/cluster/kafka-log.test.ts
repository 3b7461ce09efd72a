import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openKafkaLogReader, openKafkaLogs } from '../../infra/kafka/logs.ts'
import { type LogFactory, logSuite } from '../conformance/log-suite.ts'
import { KAFKA_URL, temporaryPrefix } from '../support/kafka.ts'

const kafka = (which: 'events' | 'control', partitions: number): LogFactory => ({
  name: `kafka ${which}, ${partitions} partitions`,
  supports: {
    partitions: partitions > 1,
    reopen: true,
    sharedReader: which === 'events',
    hiddenUntilResolved: false,
  },
  open: async (t) => {
    const options = {
      url: `${KAFKA_URL}?partitions=${partitions}`,
      prefix: temporaryPrefix(t),
      clock: systemClock,
      telemetry: silentTelemetry,
    }
    let logs = await openKafkaLogs(options)
    t.after(() => logs.close())
    return {
      log: logs[which],
      reopen: async () => {
        await logs.close()
        logs = await openKafkaLogs(options)
        return logs[which]
      },
      openReader: () => openKafkaLogReader(options),
    }
  },
})

logSuite(kafka('events', 1))
logSuite(kafka('events', 12))
logSuite(kafka('control', 1))
