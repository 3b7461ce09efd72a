// The files port on a real HDFS.
import { systemClock } from '#ports/clock'
import { openHdfsFiles } from '../../infra/hdfs/files.ts'
import { filesSuite } from '../conformance/files-suite.ts'

const address = process.env.TRY_HDFS ?? 'hdfs://127.0.0.1:29870'
let folders = 0

filesSuite({
  name: 'HDFS',
  supports: { reopen: true },
  open: async () => {
    const url = `${address}/test-${process.pid}/${folders++}`
    return {
      files: await openHdfsFiles(url, systemClock),
      reopen: () => openHdfsFiles(url, systemClock),
    }
  },
})
