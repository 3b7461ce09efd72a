// Rows between Spark, which has them in Arrow, and JavaScript, which has objects.
import type { Data, DataType } from 'apache-arrow'
import { MillraceError } from '#ports/errors'
import { SQL_SENT_BYTES_MAX, type SqlColumnType, type SqlValue } from '#ports/sql-session'

export type SqlRow = Readonly<Record<string, SqlValue>>

export type Arrow = typeof import('apache-arrow')
type Cell = (row: number) => SqlValue

export interface ArrowRows {
  /** The rows of an Arrow stream. @throws MillraceError SPARK_REFUSED for a type or an integer that `SqlValue` cannot hold */
  decode(stream: Uint8Array): SqlRow[]
  /** The rows as an Arrow stream. @throws MillraceError SPARK_REFUSED for too many */
  encode(columns: Readonly<Record<string, SqlColumnType>>, rows: readonly SqlRow[]): Uint8Array
}

export function createArrowRows(arrow: Arrow): ArrowRows {
  return {
    decode: (stream) => {
      const rows: SqlRow[] = []
      for (const batch of arrow.RecordBatchReader.from(stream)) {
        const columns = batch.schema.fields.map(({ name }, index): [string, Cell] => [
          name,
          cellsOf(arrow, batch.data.children[index] as Data, name),
        ])
        for (let row = 0; row < batch.numRows; row++) {
          const cells: Record<string, SqlValue> = {}
          for (const [name, cell] of columns) cells[name] = cell(row)
          rows.push(cells)
        }
      }
      return rows
    },
    encode: (columns, rows) => {
      const vectors = Object.entries(columns).map(([name, type]) => [
        name,
        arrow.vectorFromArray(
          rows.map((row) => cellOf(type, row[name])),
          arrowType(arrow, type),
        ),
      ])
      const stream = arrow.tableToIPC(new arrow.Table(Object.fromEntries(vectors)), 'stream')
      if (stream.length <= SQL_SENT_BYTES_MAX) return stream
      throw new MillraceError('SPARK_REFUSED', {
        errorClass: 'ROWS_TOO_LARGE',
        reason: `rows of ${stream.length} bytes were to be sent, ${SQL_SENT_BYTES_MAX} are allowed: put them into a file`,
      })
    },
  }
}

/** Each type is named: left to itself, Arrow makes dictionaries of strings, of which Spark reads the indices. */
function arrowType(arrow: Arrow, type: SqlColumnType): DataType {
  switch (type) {
    case 'string':
      return new arrow.Utf8()
    case 'int':
      return new arrow.Int32()
    case 'bigint':
      return new arrow.Int64()
    case 'double':
      return new arrow.Float64()
    case 'boolean':
      return new arrow.Bool()
  }
}

const cellOf = (type: SqlColumnType, cell: SqlValue | undefined): unknown => {
  if (cell === undefined || cell === null) return null
  return type === 'bigint' ? BigInt(cell as number) : cell
}

/** Reads the cells of one column; those of lists and structs by their children, without an object of Arrow's for each. */
function cellsOf(arrow: Arrow, data: Data, column: string): Cell {
  const read = readerOf(arrow, data, column)
  return data.nullCount === 0 ? read : (row) => (data.getValid(row) ? read(row) : null)
}

function readerOf(arrow: Arrow, data: Data, column: string): Cell {
  const { DataType } = arrow
  const { type, children } = data
  if (DataType.isNull(type)) return () => null
  if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array
    const item = cellsOf(arrow, children[0] as Data, column)
    return (row) => {
      const start = offsets[row] as number
      const list = new Array<SqlValue>((offsets[row + 1] as number) - start)
      for (let n = 0; n < list.length; n++) list[n] = item(start + n)
      return list
    }
  }
  if (DataType.isStruct(type)) {
    const fields = type.children.map(({ name }, index): [string, Cell] => [
      name,
      cellsOf(arrow, children[index] as Data, `${column}.${name}`),
    ])
    return (row) => Object.fromEntries(fields.map(([name, cell]) => [name, cell(row)]))
  }
  const vector = new arrow.Vector([data])
  if (DataType.isInt(type) && type.bitWidth === 64) {
    return (row) => wholeNumber(vector.get(row) as bigint, column)
  }
  if (
    DataType.isInt(type) ||
    DataType.isFloat(type) ||
    DataType.isUtf8(type) ||
    DataType.isLargeUtf8(type) ||
    DataType.isBool(type)
  ) {
    return (row) => vector.get(row) as SqlValue
  }
  throw unreadable(column, `has the type ${type}`)
}

function wholeNumber(value: bigint, column: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw unreadable(column, `holds ${value}`)
  return number
}

const unreadable = (column: string, what: string): MillraceError =>
  new MillraceError('SPARK_REFUSED', {
    errorClass: 'UNREADABLE_COLUMN',
    reason: `the column ${column} ${what}: cast it in the query`,
  })
