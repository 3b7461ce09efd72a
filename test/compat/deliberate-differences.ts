// Where this event server answers otherwise than the recorded PredictionIO, and why. The replay fails for a difference
// that is not listed, and for one that is listed and gone.

export const DIFFERENCE_KINDS = ['defect', 'backend', 'deliberate', 'limit'] as const

export interface DeliberateDifference {
  /**
   * defect: a fault of PredictionIO. backend: particular to the database behind the recording. deliberate: a decision.
   * limit: a limit of ours.
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
      'segment bad timestamp',
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
    kind: 'defect',
    reason: 'PredictionIO drops a context silently when parts of it are missing; here it is kept.',
    cases: ['segment identify context partial -> list'],
  },
  {
    kind: 'deliberate',
    reason: 'The events that an access key may send limit webhooks too.',
    cases: ['segment restricted key'],
  },
  {
    kind: 'defect',
    reason: 'No form reaches a connector of PredictionIO 0.14; here they do, as in older versions.',
    cases: [
      'mailchimp campaign',
      'mailchimp campaign -> list',
      'mailchimp cleaned',
      'mailchimp cleaned -> list',
      'mailchimp json content type',
      'mailchimp missing field',
      'mailchimp no content type',
      'mailchimp no fired_at',
      'mailchimp no type',
      'mailchimp profile',
      'mailchimp profile -> list',
      'mailchimp subscribe',
      'mailchimp subscribe -> list',
      'mailchimp unknown connector',
      'mailchimp unknown type',
      'mailchimp upemail',
      'mailchimp upemail -> list',
    ],
  },
]
