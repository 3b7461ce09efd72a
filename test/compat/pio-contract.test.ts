// Replays the recorded replies of PredictionIO on the event server. Each case gives the recorded reply, or it stands in
// `deliberate-differences.ts` with its reason; a difference that is listed and gone fails as well.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { clientIds, readContract } from './contract-case.ts'
import { capture, type Difference, difference, normalise, send } from './contract-replay.ts'
import { openContractServer } from './contract-server.ts'
import { DELIBERATE_DIFFERENCES } from './deliberate-differences.ts'

test('PredictionIO 0.14 and this event server answer alike', async (t) => {
  const { port, keys, close } = await openContractServer()
  t.after(close)
  const cases = readContract()
  const fixed = clientIds(cases)
  const variables = new Map(Object.entries(keys))
  const differences = new Map<string, Difference>()
  for (const its of cases) {
    const reply = await send(port, its, variables)
    capture(its, reply, variables)
    const body = normalise(reply.body, fixed, variables, systemClock.now())
    const found = difference(its.response, { ...reply, body })
    if (found !== null) differences.set(its.name, found)
  }

  const listed = new Map(
    DELIBERATE_DIFFERENCES.flatMap(({ reason, cases }) => cases.map((name) => [name, reason])),
  )
  const names = new Set(cases.map(({ name }) => name))
  assert.deepEqual(
    [...listed.keys()].filter((name) => !names.has(name)),
    [],
    'listed, but not in the recording',
  )
  assert.deepEqual(
    [...listed.keys()].filter((name) => !differences.has(name)),
    [],
    'listed, but alike by now: take them out of the list',
  )
  const unexpected = [...differences].filter(([name]) => !listed.has(name))
  assert.deepEqual(Object.fromEntries(unexpected), {}, 'different, and not listed')
  t.diagnostic(`${cases.length - differences.size} of ${cases.length} replies are alike`)
})
