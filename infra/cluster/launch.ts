// Starts one process of a server so that it outlives this command, and waits until it is well.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import type { ClusterFolder } from './cluster-folder.ts'
import { logTail } from './log-tail.ts'
import { isRunning, markOf, type ProcessMark } from './process-table.ts'
import { gistOf, runTool } from './run-tool.ts'
import type { Host, ServerProcess } from './server.ts'

const LOOK_MS = 150
const PREPARE_MS = 120_000
/** A log that is longer is set aside at the next start; one older log is kept. */
const LOG_BYTES_MAX = 16 * 1024 * 1024

export interface Launch {
  readonly process: ServerProcess
  readonly folder: ClusterFolder
  /** The user to run as, when not this process's own. */
  readonly uid: number | undefined
  readonly host: Host
}

/**
 * Starts the process and resolves when it is healthy.
 * @throws ClusterError server-failed, with the end of its log
 */
export async function launch(given: Launch): Promise<void> {
  const { process, folder } = given
  await writeFiles(given)
  await prepare(given)
  const log = folder.logFile(process.name)
  await mkdir(dirname(log), { recursive: true })
  await setAside(log)
  const mark = await start(given, log)
  await folder.writeMark(process.name, mark)
  await awaitHealth(given, mark)
}

async function writeFiles({ process, uid }: Launch): Promise<void> {
  for (const path of process.folders) {
    await mkdir(path, { recursive: true })
    if (uid !== undefined) await chown(path, uid, uid)
  }
  for (const [path, text] of Object.entries(process.files)) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}

async function prepare({ process, host, uid, folder }: Launch): Promise<void> {
  if (process.prepare === undefined || existsSync(process.prepare.unless)) return
  const { code, output } = await runTool({
    command: process.prepare.command,
    folder: process.folders[0] ?? folder.path,
    environment: environmentOf(process, host),
    limitMs: PREPARE_MS,
    ...(uid === undefined ? {} : { uid }),
  })
  if (code === 0) return
  throw new ClusterError('server-failed', {
    server: process.name,
    reason: `its folder could not be prepared: ${gistOf(output)}`,
    log: 'none',
    tail: output.trimEnd().split('\n').slice(-10).join('\n'),
  })
}

async function setAside(log: string): Promise<void> {
  const size = await stat(log).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_BYTES_MAX) await rename(log, `${log}.1`)
}

/** The mark of the server: of the child, or of the process whose id a command that ended has written. */
async function start(given: Launch, log: string): Promise<ProcessMark> {
  const { process, host, uid } = given
  if (process.pidFile !== undefined) await rm(process.pidFile, { force: true })
  const output = await open(log, 'a')
  try {
    const [program = '', ...args] = process.command
    const child = spawn(program, args, {
      cwd: process.folders[0],
      env: environmentOf(process, host),
      stdio: ['ignore', output.fd, output.fd],
      detached: true,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    const failed = new Promise<Error>((resolve) => child.once('error', resolve))
    child.unref()
    if (child.pid === undefined) throw failure(given, (await failed).message, '')
    if (process.pidFile === undefined) {
      const mark = await markOf(child.pid)
      if (mark !== null) return mark
      throw failure(given, 'it ended at once', await logTail([log]))
    }
    return await daemonOf(given, child.pid, process.pidFile, log)
  } finally {
    await output.close()
  }
}

async function daemonOf(
  given: Launch,
  launcher: number,
  pidFile: string,
  log: string,
): Promise<ProcessMark> {
  const { process, host } = given
  const deadline = host.clock.monotonic() + process.startMs
  const launcherMark = await markOf(launcher)
  while (launcherMark !== null && (await isRunning(launcherMark))) {
    if (host.clock.monotonic() > deadline) break
    await host.clock.sleep(LOOK_MS)
  }
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  const mark = pid > 0 ? await markOf(pid) : null
  if (mark !== null) return mark
  throw failure(given, 'it ended while starting', await logTail([log, ...process.logs]))
}

async function awaitHealth(given: Launch, mark: ProcessMark): Promise<void> {
  const { process, folder, host } = given
  const deadline = host.clock.monotonic() + process.startMs
  const logs = [folder.logFile(process.name), ...process.logs]
  while (!(await process.healthy())) {
    if (!(await isRunning(mark))) {
      throw failure(given, 'it ended while starting', await logTail(logs))
    }
    if (host.clock.monotonic() > deadline) {
      const reason = `it is not well after ${Math.round(process.startMs / 1000)} s`
      throw failure(given, reason, await logTail(logs))
    }
    await host.clock.sleep(LOOK_MS)
  }
}

/** No more of our own environment than programs need: settings of this shell must not reach a server. */
function environmentOf(process: ServerProcess, { environment }: Host): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR'].flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value]]
  })
  return { ...Object.fromEntries(kept), LC_ALL: 'C.UTF-8', ...process.environment }
}

function failure({ process, folder }: Launch, reason: string, tail: string): ClusterError {
  const log = folder.logFile(process.name)
  return new ClusterError('server-failed', { server: process.name, reason, log, tail })
}
