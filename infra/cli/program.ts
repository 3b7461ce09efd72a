import { Command } from 'commander'
import { addAccessKeyCommands } from './accesskey.ts'
import { addAppCommands } from './app.ts'
import { addClusterCommands } from './cluster.ts'
import { addDeadLetterCommands } from './dead-letters.ts'
import { addEngineCommands } from './engine.ts'
import { addEraseCommand } from './erase.ts'
import { addExportCommand } from './export.ts'
import { addImportCommand } from './import.ts'
import { addModelCommands } from './model.ts'
import { addQuickstartCommand } from './quickstart/quickstart.ts'
import { addReplayCommand } from './replay.ts'
import { addStartCommand } from './start.ts'
import { addStatusCommand } from './status.ts'
import { addStopCommand } from './stop.ts'
import { addTrainCommand } from './train.ts'
import { version } from './version.ts'

/** Every command with its options. Parsing the command line with it runs the command. */
export function createProgram(): Command {
  const root = new Command('millrace')
    .description('Self-hosted recommendations: send events, ask what next.')
    .version(version(), '--version', 'print the version')
    .showHelpAfterError('(millrace help shows the commands)')
    .exitOverride()
  addQuickstartCommand(root)
  addStartCommand(root)
  addStopCommand(root)
  addStatusCommand(root)
  addAppCommands(root)
  addAccessKeyCommands(root)
  addImportCommand(root)
  addExportCommand(root)
  addEngineCommands(root)
  addTrainCommand(root)
  addModelCommands(root)
  addDeadLetterCommands(root)
  addEraseCommand(root)
  addClusterCommands(root)
  addReplayCommand(root)
  root.command('version').description('print the version').action(printVersion)
  return root
}

function printVersion(): void {
  process.stdout.write(`${version()}\n`)
}
