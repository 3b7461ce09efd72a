// The inboxes of every app and channel, as the directory knows them: taken up when one is made, left when it is deleted.
import type { Inbox, Inboxes } from '#ports/inboxes'
import type { DirectoryState } from '#schemas/directory'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { createInboxIntake } from '../../ingest/inbox.ts'
import type { Intake } from '../../ingest/intake.ts'
import { createLetterBox } from './letter-box.ts'
import type { Platform } from './platform.ts'

/** Starts reading; null where the log has no inboxes. */
export function startInboxes(platform: Platform, intake: Intake): Inboxes | null {
  const { direct, directory, deadLetters, telemetry } = platform
  if (direct === null) return null
  const letters = createLetterBox(deadLetters, telemetry)
  const inboxes = direct.openInboxes(
    createInboxIntake({
      intake,
      schemas: direct.registry,
      deadLetter: (letter) => letters.put(letter),
    }),
  )
  const serve = (): void => inboxes.serve(inboxesOf(directory.state))
  const unsubscribe = directory.subscribe(serve)
  serve()
  return {
    serve: (wanted) => inboxes.serve(wanted),
    health: () => inboxes.health(),
    close: async () => {
      unsubscribe()
      await inboxes.close()
    },
  }
}

function inboxesOf({ apps, channels }: DirectoryState): Inbox[] {
  return [
    ...[...apps.keys()].map((app) => ({ app, channel: DEFAULT_CHANNEL })),
    ...[...channels.values()].map(({ appId, id }) => ({ app: appId, channel: id })),
  ]
}
