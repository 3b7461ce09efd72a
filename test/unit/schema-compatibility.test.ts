import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import avro from 'avsc'
import { schemaText } from '#schemas/codec'
import { inboxSchemaText } from '#schemas/inbox-event'
import { RECORD_KINDS } from '#schemas/record'

const history = new URL('../../schemas/avro/history/', import.meta.url)

interface OldSchema {
  readonly name: string
  readonly number: number
  readonly text: string
}

/** All schemas a kind ever had, oldest first. */
function versionsOf(kind: string): OldSchema[] {
  return readdirSync(history)
    .map((name) => ({ name, match: /^(.+)-(\d+)\.avsc$/.exec(name) }))
    .filter(({ match }) => match?.[1] === kind)
    .map(({ name, match }) => ({
      name,
      number: Number(match?.[2]),
      text: readFileSync(new URL(name, history), 'utf8'),
    }))
    .sort((a, b) => a.number - b.number)
}

const typeOf = (text: string): avro.Type =>
  avro.Type.forSchema(JSON.parse(text) as avro.Schema, { wrapUnions: false })

const current = new Map<string, string>([
  ...RECORD_KINDS.map((kind) => [kind, schemaText(kind)] as const),
  ['inbox-event', inboxSchemaText()],
])

for (const [kind, text] of current) {
  describe(`avro schema: ${kind}`, () => {
    const versions = versionsOf(kind)

    it('has versions 1, 2, … in the history', () => {
      assert.ok(versions.length > 0)
      assert.deepEqual(
        versions.map(({ number }) => number),
        versions.map((_, index) => index + 1),
      )
    })

    it('equals the newest of the history', () => {
      assert.deepEqual(
        JSON.parse(text),
        JSON.parse(versions.at(-1)?.text ?? 'null'),
        `${kind}.avsc was changed: put the new text into schemas/avro/history/${kind}-${versions.length + 1}.avsc`,
      )
    })

    for (const { name, text: old } of versions) {
      it(`reads what ${name} wrote, and the other way round`, () => {
        assert.doesNotThrow(() => typeOf(text).createResolver(typeOf(old)))
        assert.doesNotThrow(() => typeOf(old).createResolver(typeOf(text)))
      })
    }
  })
}

describe('avro schema: the check itself', () => {
  it('sees a field that is new and has no default', () => {
    const schema = JSON.parse(schemaText('event')) as { fields: unknown[] }
    const changed = { ...schema, fields: [...schema.fields, { name: 'extra', type: 'string' }] }
    const before = typeOf(schemaText('event'))
    assert.throws(() => typeOf(JSON.stringify(changed)).createResolver(before))
  })

  it('lets a field with a default come and go', () => {
    const schema = JSON.parse(schemaText('event')) as { fields: unknown[] }
    const extra = { name: 'extra', type: ['null', 'string'], default: null }
    const changed = JSON.stringify({ ...schema, fields: [...schema.fields, extra] })
    const before = typeOf(schemaText('event'))
    typeOf(changed).createResolver(before)
    before.createResolver(typeOf(changed))
  })
})
