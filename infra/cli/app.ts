// `app …`: PredictionIO's commands, options and output lines.
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { info, printJson } from './output.ts'
import { run } from './run.ts'

export interface KeyRow {
  readonly key: string
  readonly appId: number
  readonly events: readonly string[]
}

interface AppRow {
  readonly id: number
  readonly name: string
  readonly description?: string | null
  readonly keys: readonly KeyRow[]
  readonly channels?: readonly { id: number; name: string }[]
}

export const allowed = ({ events }: KeyRow): string =>
  events.length === 0 ? '(all)' : events.join(',')

export function addAppCommands(root: Command): void {
  const app = root.command('app').description('apps, their channels and data')
  withCommonOptions(app.command('new <name>'))
    .description('create an app and its first access key')
    .option('--id <number>', 'number of the app')
    .option('--description <text>', 'what it is')
    .option('--access-key <key>', 'text of the key (default: made at random)')
    .option('--kafka-user <user>', 'also make a Kafka user that may write to its inboxes')
    .action(appNew)
  withCommonOptions(app.command('kafka-user <app> <user>'))
    .description("make a Kafka user that may write to the app's inboxes")
    .action(appKafkaUser)
  withCommonOptions(app.command('list')).description('list all apps').action(appList)
  withCommonOptions(app.command('show <name>')).description('one app').action(appShow)
  withCommonOptions(app.command('delete <name>'))
    .description('delete an app with its data, keys and engines')
    .option('-f, --force', 'do not ask')
    .action(appDelete)
  withCommonOptions(app.command('data-delete <name>'))
    .description('delete the events of an app')
    .option('--channel <name>', 'of this channel only')
    .option('--all', 'of all channels')
    .option('-f, --force', 'do not ask')
    .action(dataDelete)
  withCommonOptions(app.command('channel-new <app> <channel>'))
    .description('create a channel')
    .action(channelNew)
  withCommonOptions(app.command('channel-delete <app> <channel>'))
    .description('delete a channel with its data')
    .option('-f, --force', 'do not ask')
    .action(channelDelete)
}

interface NewOptions extends CommonOptions {
  readonly id?: string
  readonly description?: string
  readonly accessKey?: string
  readonly kafkaUser?: string
}

async function appNew(name: string, options: NewOptions): Promise<void> {
  const id = options.id === undefined ? null : Number(options.id)
  const args = {
    name,
    id,
    description: options.description ?? null,
    accessKey: options.accessKey ?? null,
  }
  const app = (await run(options, 'app.new', args)) as {
    id: number
    name: string
    accessKey: string
  }
  const kafka =
    options.kafkaUser === undefined ? null : await newKafkaUser(name, options.kafkaUser, options)
  if (options.json) return printJson(kafka === null ? app : { ...app, kafka })
  info('App$', `Initialized Event Store for this app ID: ${app.id}.`, 'Created a new app:')
  info('App$', `      Name: ${app.name}`, `        ID: ${app.id}`, `Access Key: ${app.accessKey}`)
  if (kafka !== null) printKafkaUser(kafka)
}

async function appKafkaUser(app: string, user: string, options: CommonOptions): Promise<void> {
  const made = await newKafkaUser(app, user, options)
  if (options.json) return printJson(made)
  printKafkaUser(made)
}

const newKafkaUser = async (app: string, user: string, options: CommonOptions) =>
  (await run(options, 'app.kafka-user', { app, user })) as {
    user: string
    password: string
    topic: string
  }

function printKafkaUser(made: { user: string; password: string; topic: string }): void {
  info('App$', `Kafka user: ${made.user}`, `  Password: ${made.password} (shown only now)`)
  info('App$', `     Topic: ${made.topic}, and those of its channels`)
}

async function appList(options: CommonOptions): Promise<void> {
  const apps = (await run(options, 'app.list', {})) as unknown as AppRow[]
  if (options.json) return printJson(apps as never)
  info('App$', `${'Name'.padStart(20)} |   ID | ${'Access Key'.padStart(64)} | Allowed Event(s)`)
  for (const { id, name, keys } of apps) {
    for (const key of keys) {
      const cells = [name.padStart(20), String(id).padStart(4), key.key.padStart(64), allowed(key)]
      info('App$', cells.join(' | '))
    }
  }
  info('App$', `Finished listing ${apps.length} app(s).`)
}

async function appShow(name: string, options: CommonOptions): Promise<void> {
  const app = (await run(options, 'app.show', { name })) as unknown as AppRow
  if (options.json) return printJson(app as never)
  printApp(app)
}

function printApp(app: AppRow): void {
  info('App$', `    App Name: ${app.name}`, `      App ID: ${app.id}`)
  info('App$', ` Description: ${app.description ?? ''}`)
  app.keys.forEach((key, i) => {
    info('App$', `${i === 0 ? '  Access Key: ' : '              '}${key.key} | ${allowed(key)}`)
  })
  if ((app.channels ?? []).length === 0) return
  info('App$', '    Channels:     Channel Name | Channel ID ')
  for (const channel of app.channels ?? []) {
    info('App$', `              ${channel.name.padStart(16)} | ${String(channel.id).padStart(10)}`)
  }
}

type DeleteOptions = CommonOptions & { force?: boolean; channel?: string; all?: boolean }

/** PredictionIO's question: only `YES` goes on. */
async function confirmed(options: DeleteOptions): Promise<boolean> {
  if (options.force) return true
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question("Enter 'YES' to proceed: ")
  terminal.close()
  if (answer.trim() === 'YES') return true
  info('App$', 'Aborted.')
  return false
}

async function appDelete(name: string, options: DeleteOptions): Promise<void> {
  const app = (await run(options, 'app.show', { name })) as unknown as AppRow
  if (!options.force) printApp(app)
  if (!(await confirmed(options))) return
  await run(options, 'app.delete', { name })
  if (options.json) return printJson({ id: app.id, name })
  info('App$', `Removed Event Store for this app ID: ${app.id}`)
  for (const { key } of app.keys) info('App$', `Removed access key ${key}`)
  info('App$', `Deleted app ${name}.`, 'Done.')
}

async function dataDelete(name: string, options: DeleteOptions): Promise<void> {
  const app = (await run(options, 'app.show', { name })) as unknown as AppRow
  if (!(await confirmed(options))) return
  const args = { name, channel: options.channel ?? null, all: options.all === true }
  const done = (await run(options, 'app.data-delete', args)) as {
    id: number
    channel: number | null
  }
  if (options.json) return printJson(done)
  const what =
    done.channel === null || done.channel === 0
      ? `app ID: ${app.id}`
      : `channel ID: ${done.channel}`
  info(
    'App$',
    `Removed Event Store for the ${what}`,
    `Initialized Event Store for the ${what}`,
    'Done.',
  )
}

async function channelNew(name: string, channel: string, options: CommonOptions): Promise<void> {
  const made = (await run(options, 'app.channel-new', { name, channel })) as {
    id: number
    appId: number
  }
  if (options.json) return printJson(made)
  info('App$', 'Updated Channel meta-data.', `Initialized Event Store for the channel: ${channel}.`)
  info('App$', 'Created new channel:', `    Channel Name: ${channel}`)
  info('App$', `      Channel ID: ${made.id}`, `          App ID: ${made.appId}`)
}

async function channelDelete(name: string, channel: string, options: DeleteOptions): Promise<void> {
  if (!(await confirmed(options))) return
  const gone = await run(options, 'app.channel-delete', { name, channel })
  if (options.json) return printJson(gone)
  info('App$', `Removed Event Store for this channel: ${channel}`, `Deleted channel: ${channel}.`)
}
