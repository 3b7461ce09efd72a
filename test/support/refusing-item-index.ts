// The embedded item index, which SIGUSR2 takes away and gives back: every call is rejected meanwhile, as of a server that is
// not there.
import { MillraceError } from '#ports/errors'
import type { ItemIndex } from '#ports/item-index'
import { createItemIndex as createRealItemIndex } from '../../infra/embedded/item-index.ts'

let away = false
process.on('SIGUSR2', () => {
  away = !away
})

type Options = Parameters<typeof createRealItemIndex>[0]

export function createItemIndex(options: Options): ItemIndex {
  const real = createRealItemIndex(options)
  return new Proxy(real, {
    get: (index, name) => {
      const member: unknown = Reflect.get(index, name)
      if (typeof member !== 'function') return member
      return (...args: readonly unknown[]): unknown => {
        const isLocal = name === 'close' || name === 'versions'
        if (away && name === 'health') {
          return Promise.resolve({
            ...{ name: 'index', status: 'failed', detail: 'It is away.', hint: 'Wait.' },
          })
        }
        if (away && !isLocal) {
          return Promise.reject(new MillraceError('INDEX_UNAVAILABLE', { reason: 'it is away' }))
        }
        return Reflect.apply(member, index, args)
      }
    },
  })
}
