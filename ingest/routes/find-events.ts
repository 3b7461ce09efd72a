import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Event } from '#schemas/event'
import { formatEvent } from '#schemas/event-format'
import { partitionOf } from '#schemas/partition'
import { grantOf, type IngestContext, parametersOf } from '../context.ts'
import { readFindFilter } from '../find-filter.ts'
import { JSON_TYPE, sendJson, sendNothingFound, sendRefusal, sendText } from '../reply.ts'

/**
 * `GET /events.json`: the events that match, oldest first. A page goes out as one text; what is longer than that, as
 * `limit=-1` may be, is streamed, however many events there are.
 */
export function registerFindEvents(app: FastifyInstance, context: IngestContext): void {
  const { barrier, limits, partitions, store, telemetry } = context

  async function find(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { app: tenant, channel } = grantOf(request)
    const reading = readFindFilter(parametersOf(request), tenant, channel, limits)
    if (!reading.ok) {
      const send = reading.plainText ? sendText : sendRefusal
      return send(reply, 400, 'PARAMETER_INVALID', reading.message)
    }
    const { filter } = reading
    const { entityType, entityId } = filter
    const named = entityType !== null && entityId !== null
    await barrier.passed(
      named ? partitionOf(tenant, channel, entityType, entityId, partitions) : null,
    )
    if (filter.limit === 0) return sendNothingFound(reply)
    const chunks = inChunks(store.find(filter), limits.pageCharacters)
    const first = await chunks.next()
    if (first.done) return sendNothingFound(reply)
    if (first.value.last) return sendJson(reply, 200, first.value.text)
    const stream = Readable.from(texts(first.value.text, chunks), { objectMode: false })
    // The status is out by then: the client learns it from a body that ends too early.
    const broken = (error: Error): void => {
      telemetry.log('error', 'ingest-listing-broken', { reason: error.message })
    }
    stream.on('error', broken)
    // A stream that was never read does not end its iterator by itself.
    stream.on('close', () => void chunks.return().catch(broken))
    // For HEAD fastify reads a stream of Node to its end, but cancels one of the web.
    const body = request.method === 'HEAD' ? Readable.toWeb(stream) : stream
    return reply.code(200).header('content-type', JSON_TYPE).send(body)
  }

  app.get('/events.json', { onRequest: context.guard }, find)
}

interface Chunk {
  readonly text: string
  readonly last: boolean
}

/** The array's text in chunks of about this many characters; nothing at all when there is no event. */
async function* inChunks(
  events: AsyncIterable<Event>,
  characters: number,
): AsyncGenerator<Chunk, void, void> {
  let text = '['
  let none = true
  for await (const event of events) {
    if (text.length >= characters) {
      yield { text, last: false }
      text = ''
    }
    text += none ? formatEvent(event) : `,${formatEvent(event)}`
    none = false
  }
  if (!none) yield { text: `${text}]`, last: true }
}

async function* texts(
  first: string,
  rest: AsyncGenerator<Chunk, void, void>,
): AsyncGenerator<string, void, void> {
  yield first
  for await (const chunk of rest) yield chunk.text
}
