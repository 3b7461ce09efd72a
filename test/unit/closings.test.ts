import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from '#ports/errors'
import { createClosings } from '../../infra/wiring/closings.ts'
import type { ToThread } from '../../infra/wiring/streams-messages.ts'

const at = (offset: number) => ({ generation: 0, offsets: [offset] })
const full = new MillraceError('DISK_FULL', { what: 'the archive' })

function given() {
  const said: ToThread[] = []
  const closings = createClosings((message) => said.push(message))
  const ids = () => said.map((message) => (message.type === 'close-at' ? message.id : -1))
  return { closings, said, ids }
}

describe('closings', () => {
  it('are asked of the thread and resolve with its answer', async () => {
    const { closings, said, ids } = given()
    const asked = [closings.closeAt(at(1)), closings.closeAt(at(2))]
    assert.deepEqual(said[1], { type: 'close-at', id: ids()[1], watermark: at(2) })
    closings.closed(ids()[1] as number, full)
    closings.closed(ids()[0] as number)
    await asked[0]
    await assert.rejects(asked[1] as Promise<void>, { code: 'DISK_FULL' })
  })

  it('that wait are told to a thread that takes over', async () => {
    const { closings, ids } = given()
    const asked = [closings.closeAt(at(1)), closings.closeAt(at(2))]
    closings.closed(ids()[0] as number)
    const told: ToThread[] = []
    closings.tell((message) => told.push(message))
    assert.deepEqual(told, [{ type: 'close-at', id: ids()[1], watermark: at(2) }])
    closings.closed(ids()[1] as number)
    await Promise.all(asked)
  })

  it('fail together when there is no room, and are tried anew when asked again', async () => {
    const { closings, ids } = given()
    const asked = closings.closeAt(at(1))
    closings.fail(full)
    await assert.rejects(asked, { code: 'DISK_FULL' })
    const again = closings.closeAt(at(1))
    closings.closed(ids()[1] as number)
    await again
  })

  it('end with the sink: who waits and who comes later hears why', async () => {
    const { closings, said } = given()
    const asked = closings.closeAt(at(1))
    closings.end('it broke')
    await assert.rejects(asked, { code: 'SINK_STOPPED', message: /archive sink.*it broke/ })
    await assert.rejects(closings.closeAt(at(2)), { code: 'SINK_STOPPED' })
    assert.equal(said.length, 1)
  })
})
