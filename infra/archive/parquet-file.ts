// One Parquet file being written: row groups as they come, then the footer. Each column of a row group is at most two
// pages (dictionary, data), compressed with zstd, whose frames carry a checksum: a damaged page is seen when it is read.
import { constants, zstdCompressSync } from 'node:zlib'
import type { ColumnChunk, FileMetaData, RowGroup as GroupMetaData } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import { writeMetadata } from 'hyparquet-writer/src/metadata.js'
import type { FileWriter } from '#ports/files'
import type { EncodedColumn } from './column-builders.ts'
import type { RowGroup } from './row-group.ts'
import { DECLARATIONS, PARQUET_SCHEMA } from './schema.ts'

const MAGIC = Buffer.from('PAR1', 'latin1')
const CODEC = 'ZSTD'
const COMPRESSION = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_checksumFlag]: 1,
  },
}

export interface ParquetFile {
  /** Bytes handed to the file so far. */
  readonly bytes: number
  readonly rows: number
  writeGroup(group: RowGroup): Promise<void>
  /** Writes the footer; the caller commits the file. */
  finish(): Promise<void>
}

type PageHeader = Parameters<typeof writePageHeader>[1]

/** What a file of a range says of itself. */
export function fileMetadata(
  app: number,
  { generation, partition }: { readonly generation: number; readonly partition: number },
): Readonly<Record<string, string>> {
  return {
    'millrace.format': '1',
    'millrace.app': String(app),
    'millrace.generation': String(generation),
    'millrace.partition': String(partition),
  }
}

export async function createParquetFile(
  file: FileWriter,
  metadata: Readonly<Record<string, string>>,
): Promise<ParquetFile> {
  const groups: GroupMetaData[] = []
  let bytes = 0
  let rows = 0
  const write = async (chunk: Uint8Array): Promise<void> => {
    await file.write(chunk)
    bytes += chunk.length
  }
  await write(MAGIC)
  return {
    get bytes() {
      return bytes
    },
    get rows() {
      return rows
    },
    writeGroup: async (group) => {
      const parts: Uint8Array[] = []
      const chunks: ColumnChunk[] = []
      let at = bytes
      for (const [i, { column }] of group.encode().entries()) {
        const chunk = encodeChunk(i, column, group.rows, at)
        parts.push(...chunk.parts)
        chunks.push(chunk.chunk)
        at += chunk.bytes
      }
      groups.push({
        columns: chunks,
        num_rows: BigInt(group.rows),
        total_byte_size: chunks.reduce(
          (sum, c) => sum + (c.meta_data?.total_uncompressed_size ?? 0n),
          0n,
        ),
        total_compressed_size: BigInt(at - bytes),
      })
      rows += group.rows
      await write(Buffer.concat(parts))
    },
    finish: async () => {
      const footer = new ByteWriter()
      const whole: Omit<FileMetaData, 'metadata_length'> = {
        version: 2,
        created_by: 'millrace',
        schema: PARQUET_SCHEMA,
        num_rows: BigInt(rows),
        row_groups: groups,
        key_value_metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      }
      writeMetadata(footer, whole as FileMetaData)
      await write(Buffer.concat([footer.getBytes(), MAGIC]))
    },
  }
}

function encodeChunk(index: number, column: EncodedColumn, rows: number, start: number) {
  const declaration = DECLARATIONS[index] as (typeof DECLARATIONS)[number]
  const parts: Uint8Array[] = []
  let bytes = 0
  let plainBytes = 0
  const addPage = (
    page: Buffer,
    header: Omit<PageHeader, 'compressed_page_size' | 'uncompressed_page_size'>,
  ): void => {
    const compressed = zstdCompressSync(page, COMPRESSION)
    const head = new ByteWriter(64)
    writePageHeader(head, {
      ...header,
      uncompressed_page_size: page.length,
      compressed_page_size: compressed.length,
    } as PageHeader)
    const headBytes = new Uint8Array(head.getBuffer())
    parts.push(headBytes, compressed)
    bytes += headBytes.length + compressed.length
    plainBytes += headBytes.length + page.length
  }
  const { dictionary } = column
  if (dictionary !== null) {
    addPage(dictionary.bytes, {
      type: 'DICTIONARY_PAGE',
      dictionary_page_header: {
        num_values: dictionary.values,
        encoding: 'PLAIN',
        is_sorted: false,
      },
    })
  }
  const dataOffset = start + bytes
  const encoding = dictionary === null ? 'PLAIN' : 'RLE_DICTIONARY'
  addPage(column.page, {
    type: 'DATA_PAGE',
    data_page_header: {
      num_values: rows,
      encoding,
      definition_level_encoding: 'RLE',
      repetition_level_encoding: 'RLE',
    },
  })
  const chunk: ColumnChunk = {
    file_offset: BigInt(start),
    meta_data: {
      type:
        declaration.type === 'text'
          ? 'BYTE_ARRAY'
          : declaration.type === 'int32'
            ? 'INT32'
            : 'INT64',
      encodings: dictionary === null ? ['PLAIN', 'RLE'] : ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
      path_in_schema: [declaration.name],
      codec: CODEC,
      num_values: BigInt(rows),
      total_uncompressed_size: BigInt(plainBytes),
      total_compressed_size: BigInt(bytes),
      data_page_offset: BigInt(dataOffset),
      ...(dictionary === null ? {} : { dictionary_page_offset: BigInt(start) }),
    },
  }
  return { chunk, parts, bytes }
}
