// Loaded before a platform (`--import`): it opens the refusing item index instead of the embedded one.
import { registerHooks } from 'node:module'

const REFUSING = new URL('./refusing-item-index.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    const isOpener = context.parentURL?.endsWith('/infra/wiring/open-ports.ts') === true
    const isIndex = found.url.endsWith('/infra/embedded/item-index.ts')
    return isOpener && isIndex ? { ...found, url: REFUSING } : found
  },
})
