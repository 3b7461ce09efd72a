// The client of outside schema registries, against Apicurio.
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { createRegistryClient } from '../../infra/kafka/registry-client.ts'
import { startApicurio } from '../support/apicurio.ts'
import { send } from '../support/http-client.ts'
import { checkRegistry } from '../support/registry-suite.ts'

test('schema registry: the client, over Apicurio', async (t) => {
  const url = await startApicurio(t)
  // Its own default is to check nothing.
  await send('PUT', `${url}/config`, { compatibility: 'BACKWARD' })
  await checkRegistry(createRegistryClient({ url, clock: systemClock }), 'orders-value')
})
