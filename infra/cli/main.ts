// The command line. Results go to standard output in PredictionIO's words; progress and notes of ours to standard error.
import { CommanderError } from 'commander'
import { asMillraceError } from '#ports/errors'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = 1
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else {
    const { code, message, hint } = asMillraceError(error)
    process.stderr.write(`millrace: ${message}\n          ${hint} [${code}]\n`)
    if (code === 'INTERNAL') process.stderr.write(`${(error as Error).stack ?? ''}\n`)
  }
}
