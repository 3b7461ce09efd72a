// Options that many commands share, and the configuration they make.
import type { Command } from 'commander'
import { type Config, loadConfig } from '../wiring/config.ts'

export interface CommonOptions {
  readonly data?: string
  readonly config?: string
  readonly json?: boolean
}

export interface ServerOptions extends CommonOptions {
  readonly ip?: string
  readonly eventPort?: string
  readonly queryPort?: string
  readonly consolePort?: string
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder (default ./data)')
    .option('--config <file>', 'configuration file (millrace.toml)')
    .option('--json', 'print the result as JSON')
}

export function withServerOptions(command: Command): Command {
  return withCommonOptions(command)
    .option('--ip <address>', 'address to listen on (default 127.0.0.1)')
    .option('--event-port <port>', 'event server (default 7070, 0 = any free port)')
    .option('--query-port <port>', 'query server (default 8000, 0 = any free port)')
    .option(
      '--console-port <port>',
      'console: health and metrics (default 9000, 0 = any free port)',
    )
}

/** @throws MillraceError CONFIG_INVALID, CONFIG_UNSUPPORTED, FILE_NOT_FOUND */
export function configOf(options: ServerOptions): Config {
  return loadConfig({
    file: options.config ?? null,
    environment: process.env,
    flags: {
      data: options.data,
      ip: options.ip,
      'event-port': options.eventPort,
      'query-port': options.queryPort,
      'console-port': options.consolePort,
    },
  })
}
