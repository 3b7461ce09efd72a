// docs/reference/commands.md: every command with its arguments and options, from the definitions that parse them.
import { Command, type Option } from 'commander'
import { withCommonOptions, withServerOptions } from '../../infra/cli/options.ts'
import { createProgram } from '../../infra/cli/program.ts'
import { cell, code, table } from './markdown.ts'

const COMMON = withCommonOptions(new Command()).options
const SERVER = withServerOptions(new Command()).options

export function commandsPage(writtenBy: string): string {
  const commands = createProgram().commands.flatMap(leaves)
  const lines = commands.map((command) => [
    `[${code(nameOf(command))}](#${anchorOf(command)})`,
    cell(command.description()),
  ])
  return `# Commands

Every command works while the platform runs, through the process that owns the data folder, and while it does not. Results go to
standard output in PredictionIO's words, progress and notes to standard error. A command that fails ends with an exit code other than
0 and a code of [errors.md](errors.md).

${table(['Command', 'Does'], lines)}

## Options of most commands

${optionsTable(COMMON)}

Those that start servers also take

${optionsTable(SERVER.filter((option) => !among(option, COMMON)))}

Settings beyond these are in [settings.md](settings.md).

${commands.map(section).join('\n\n')}

This page is written by \`${writtenBy}\` from the definitions in \`infra/cli/\`.
`
}

/** The commands that do something: those without commands of their own. */
function leaves(command: Command): Command[] {
  const inner = command.commands.filter((one) => one.name() !== 'help')
  return inner.length === 0 ? [command] : inner.flatMap(leaves)
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

const anchorOf = (command: Command): string => nameOf(command).replaceAll(' ', '-')

function section(command: Command): string {
  const synopsis = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name()
    return argument.required ? ` <${name}>` : ` [${name}]`
  })
  const usual = usualOptions(command)
  const own = command.options.filter((option) => usual === '' || !among(option, SERVER))
  return [
    `## ${nameOf(command)}`,
    `    ${nameOf(command)}${synopsis.join('')}`,
    `${sentence(command.description())}${usual}`,
    ...(own.length === 0 ? [] : [optionsTable(own)]),
  ].join('\n\n')
}

function usualOptions({ options }: Command): string {
  const has = (list: readonly Option[]): boolean => list.every((option) => among(option, options))
  if (has(SERVER)) return ' Takes the options of most commands and those of servers.'
  return has(COMMON) ? ' Takes the options of most commands.' : ''
}

const among = ({ flags }: Option, list: readonly Option[]): boolean =>
  list.some((option) => option.flags === flags)

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

function optionsTable(options: readonly Option[]): string {
  const rows = options.map(({ flags, description, mandatory, defaultValue }) => {
    const facts = [
      ...(mandatory ? ['required'] : []),
      ...(defaultValue === undefined ? [] : [`default ${JSON.stringify(defaultValue)}`]),
    ]
    const more = facts.length === 0 ? '' : ` (${facts.join(', ')})`
    return [code(flags), cell(`${description}${more}`)]
  })
  return table(['Option', 'Means'], rows)
}
