// Forgets all that was told of an app's items: the items' index goes, every version of the app says that its model makes no
// documents any more, and what was copied into the versions' documents is taken out of them.
import { bulkWrite, type Write } from './bulk.ts'
import { forgottenMembers, KNOWN_MEMBERS, type KnownDocument } from './document.ts'
import { isMissing } from './errors.ts'
import { itemsIndex, writeAlias } from './keys.ts'
import { type ScannedDocument, scanIndex } from './scan.ts'
import { conditionOf, type WriterDeps } from './version-writer.ts'
import { dropIndex, listVersions, type VersionIndex } from './versions.ts'

/**
 * @returns names of the indexes that were changed
 * @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED
 */
export async function forgetItems(
  deps: WriterDeps,
  prefix: string,
  app: number,
): Promise<readonly string[]> {
  const { client } = deps
  const versions = (await listVersions(client, prefix)).filter(
    ({ meta }) => meta.version.app === app,
  )
  for (const { name, meta } of versions) {
    const _meta = { ...meta, clears: meta.clears + 1 }
    await ignoreMissing(client.request('PUT', `/${name}/_mapping`, { body: { _meta } }))
  }
  await dropIndex(client, itemsIndex(prefix, app))
  for (const version of versions) await ignoreMissing(forgetIn(deps, version))
  return versions.map(({ name }) => name)
}

async function forgetIn(
  { client, clock }: WriterDeps,
  { name, meta }: VersionIndex,
): Promise<void> {
  await client.request('POST', `/${name}/_refresh`)
  const all = { match_all: {} }
  for await (const page of scanIndex<KnownDocument>(client, name, all, KNOWN_MEMBERS)) {
    const writes = page.map((document) => forgetWrite(document, meta.version.userDefinedRankings))
    // A document that somebody wrote meanwhile holds what was told after this.
    await bulkWrite(client, writeAlias(name), writes, clock)
  }
}

function forgetWrite(document: ScannedDocument<KnownDocument>, rankings: readonly string[]): Write {
  const meta = { _id: document._id, ...conditionOf(document) }
  if (!document._source.model) return { action: 'delete', meta }
  return { action: 'update', meta, document: forgottenMembers(document._source, rankings) }
}

async function ignoreMissing(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
