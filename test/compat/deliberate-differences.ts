// Where this event server answers otherwise than the recorded PredictionIO, and why. The replay fails for a difference
// that is not listed, and for one that is listed and gone.

export const DIFFERENCE_KINDS = ['defect', 'backend', 'deliberate', 'limit', 'not built'] as const

export interface DeliberateDifference {
  /**
   * defect: a fault of PredictionIO. backend: particular to the database behind the recording. deliberate: a decision.
   * limit: a limit of ours. not built: a part that does not exist yet.
   */
  readonly kind: (typeof DIFFERENCE_KINDS)[number]
  readonly reason: string
  readonly cases: readonly string[]
}

export const DELIBERATE_DIFFERENCES: readonly DeliberateDifference[] = [
  {
    kind: 'defect',
    reason: 'PredictionIO answers 500 for a mistake of the client; here it is 400, 401 or 404.',
    cases: [
      'plugins-blocker-unknown',
      'plugins-blocker-no-name',
      'plugins-type-unknown',
      'plugins-sniffer-unknown',
      'auth basic-only-colon',
      'list start plus not encoded',
      'list start bad',
      'list until bad',
      'list both bad',
      'list reversed true alone',
      'list reversed true type only',
      'list reversed true id only',
      'list bad percent',
    ],
  },
  {
    kind: 'defect',
    reason: 'PredictionIO stores an event whose POST it answers with 406.',
    cases: ['accept html 406 but stored'],
  },
  {
    kind: 'defect',
    reason:
      'PredictionIO stores a number that no reader can read back; the event then breaks its GET and every listing.',
    cases: ['properties double overflow'],
  },
  {
    kind: 'backend',
    reason: 'The database column of the recorded server has 32 characters, and takes no NUL.',
    cases: ['event-id-33-chars', 'nul in entityId'],
  },
  {
    kind: 'backend',
    reason: 'DELETE tells the truth: 404 when there is nothing to delete.',
    cases: [
      'crud delete other app',
      'crud delete other channel',
      'crud delete again',
      'crud delete unknown',
    ],
  },
  {
    kind: 'backend',
    reason:
      'An id that is taken is a repeat or is reported behind the acknowledgement; one such element does not undo a batch.',
    cases: ['batch duplicate ids inside', 'batch id taken', 'batch rolled back'],
  },
  {
    kind: 'deliberate',
    reason:
      'A channel counts with Basic authentication too; an unknown one is refused, not silently the default channel.',
    cases: ['auth channel-basic-ignored'],
  },
  {
    kind: 'limit',
    reason: 'Ids have at most 1,024 bytes.',
    cases: ['long entityId 3000', 'long entityId 3000 -> get'],
  },
  {
    kind: 'not built',
    reason: 'There is no webhook connector yet: each name is answered as an unknown one.',
    cases: [
      'segment alias no previous',
      'segment alias',
      'segment array',
      'segment bad json',
      'segment bad timestamp',
      'segment channel -> list',
      'segment channel',
      'segment group -> list',
      'segment group no id',
      'segment group',
      'segment identify -> list',
      'segment identify anonymous only',
      'segment identify context -> list',
      'segment identify context partial -> list',
      'segment identify context partial',
      'segment identify context',
      'segment identify no traits -> list',
      'segment identify no traits',
      'segment identify',
      'segment no ids',
      'segment no sent_at',
      'segment no type',
      'segment no version',
      'segment page -> list',
      'segment page bare -> list',
      'segment page bare',
      'segment page',
      'segment restricted key',
      'segment screen -> list',
      'segment screen',
      'segment track -> list',
      'segment track anonymous',
      'segment track',
      'segment version string',
      'mailchimp campaign',
      'mailchimp cleaned',
      'mailchimp json content type',
      'mailchimp missing field',
      'mailchimp no content type',
      'mailchimp no fired_at',
      'mailchimp no type',
      'mailchimp profile',
      'mailchimp subscribe',
      'mailchimp unknown connector',
      'mailchimp unknown type',
      'mailchimp upemail',
    ],
  },
]
