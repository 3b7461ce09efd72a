// What every schema registry must do, Millrace's own and those outside.
import assert from 'node:assert/strict'
import type { SchemaRegistry } from '#ports/schema-registry'

const field = (name: string, more: object = {}): object => ({ name, type: 'string', ...more })
const schemaOf = (...fields: object[]): string =>
  JSON.stringify({ type: 'record', name: 'Thing', fields })

/** `subject` is one that the registry does not know. */
export async function checkRegistry(registry: SchemaRegistry, subject: string): Promise<void> {
  const first = schemaOf(field('a'))
  const wider = schemaOf(field('a'), field('b', { default: '' }))
  const broken = schemaOf(field('a'), field('c'))
  assert.deepEqual(await registry.versions(subject), [])
  assert.equal(await registry.isCompatible(subject, first), true)
  const id = await registry.register(subject, first)
  assert.equal(await registry.register(subject, first), id)
  assert.deepEqual(JSON.parse(await registry.schema(id)), JSON.parse(first))
  assert.equal(await registry.isCompatible(subject, wider), true)
  assert.equal(await registry.isCompatible(subject, broken), false)
  await assert.rejects(registry.register(subject, broken), { code: 'SCHEMA_INCOMPATIBLE' })
  const next = await registry.register(subject, wider)
  assert.notEqual(next, id)
  const versions = await registry.versions(subject)
  assert.deepEqual(
    versions.map((its) => [its.subject, its.version, its.id]),
    [
      [subject, 1, id],
      [subject, 2, next],
    ],
  )
  assert.ok((await registry.subjects()).includes(subject))
  await assert.rejects(registry.schema(987_654), { code: 'SCHEMA_UNKNOWN' })
  await assert.rejects(registry.register(subject, '{"type":"none"}'), { code: 'SCHEMA_INVALID' })
}
