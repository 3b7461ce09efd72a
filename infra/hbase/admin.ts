// Makes tables by asking the master: HBase's own shell would need a Java of the user's.
import { errorName } from './errors.ts'
import { bytesOf, type Message, protocolFile } from './library.ts'
import { connectMaster, type MasterConnection } from './master-connection.ts'

export interface TableLayout {
  readonly name: string
  /** Of its one family: COMPRESSION, DATA_BLOCK_ENCODING, BLOOMFILTER, … */
  readonly attributes: Readonly<Record<string, string>>
  /** Start keys of its regions but the first. */
  readonly splits: readonly Buffer[]
}

const FAMILY_NAME = 'e'

const masterFile = protocolFile('Master.proto')

/** Makes the tables that are not there yet; resolves with all of them when the master has taken them. */
export async function createTables(
  master: string,
  user: string,
  layouts: readonly TableLayout[],
): Promise<readonly TableLayout[]> {
  const connection = connectMaster(master, user)
  try {
    const names = await call(connection, 'GetTableNames', {})
    const existing = new Set(
      (names.tableNames as readonly Message[]).map((name) => bytesOf(name.qualifier).toString()),
    )
    for (const layout of layouts) {
      if (!existing.has(layout.name)) await createTable(connection, layout)
    }
    return layouts
  } finally {
    connection.close()
  }
}

async function createTable(connection: MasterConnection, layout: TableLayout): Promise<void> {
  const attributes = Object.entries(layout.attributes).map(([name, value]) => ({
    first: Buffer.from(name),
    second: Buffer.from(value),
  }))
  try {
    await call(connection, 'CreateTable', {
      tableSchema: {
        tableName: { namespace: Buffer.from('default'), qualifier: Buffer.from(layout.name) },
        attributes: [],
        columnFamilies: [{ name: Buffer.from(FAMILY_NAME), attributes }],
      },
      splitKeys: layout.splits,
    })
  } catch (error) {
    // Another process was first.
    if (!/TableExists/.test(errorName(error))) throw error
  }
}

async function call(
  connection: MasterConnection,
  method: string,
  request: object,
): Promise<Message> {
  const { resolvedRequestType, resolvedResponseType } = masterFile.lookup(`MasterService.${method}`)
  const body = new resolvedRequestType.clazz(request).encode().toBuffer()
  return resolvedResponseType.clazz.decode(await connection.call(method, body))
}
