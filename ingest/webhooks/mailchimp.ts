// MailChimp's calls as events: fields of a form, such as `data[email]`. PredictionIO's connector (which nothing could reach
// any more in its last version), but for this: who is meant has to be there, everything else is taken as far as it is sent.
import { type Connected, ConnectorFault, connected } from './connector.ts'

/** The fields of a form, the first of each name. */
export type FormFields = ReadonlyMap<string, string>

interface Type {
  readonly entityType: string
  /** Field below `data` with the entity's id. */
  readonly entityId: string
  /** About a list: `data[list_id]` is the target. */
  readonly ofList: boolean
  /** Property → field below `data`. */
  readonly properties: Readonly<Record<string, string>>
  readonly merges: boolean
}

const same = (...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, name]))

const user = { entityType: 'user', entityId: 'id', ofList: true, merges: true }

const TYPES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['subscribe', { ...user, properties: same('email', 'email_type', 'ip_opt', 'ip_signup') }],
  [
    'unsubscribe',
    {
      ...user,
      properties: same('action', 'reason', 'email', 'email_type', 'ip_opt', 'campaign_id'),
    },
  ],
  ['profile', { ...user, properties: same('email', 'email_type', 'ip_opt') }],
  [
    'upemail',
    { ...user, entityId: 'new_id', merges: false, properties: same('new_email', 'old_email') },
  ],
  [
    'cleaned',
    {
      entityType: 'list',
      entityId: 'list_id',
      ofList: false,
      merges: false,
      properties: { campaignId: 'campaign_id', ...same('reason', 'email') },
    },
  ],
  [
    'campaign',
    {
      entityType: 'campaign',
      entityId: 'id',
      ofList: true,
      merges: false,
      properties: same('subject', 'status', 'reason'),
    },
  ],
])

export function mailchimpEvent(fields: FormFields): Connected {
  return connected(() => {
    const type = fields.get('type')
    if (type === undefined) {
      throw new ConnectorFault("The field 'type' is required for MailChimp data.")
    }
    const known = TYPES.get(type)
    if (known === undefined) {
      throw new ConnectorFault(`Cannot convert unknown MailChimp data type ${type} to event JSON`)
    }
    const target = known.ofList
      ? { targetEntityType: 'list', targetEntityId: required(fields, 'data[list_id]') }
      : {}
    return {
      event: type,
      entityType: known.entityType,
      entityId: required(fields, `data[${known.entityId}]`),
      ...target,
      eventTime: timeOf(required(fields, 'fired_at')),
      properties: propertiesOf(fields, known),
    }
  })
}

/** @throws ConnectorFault */
function required(fields: FormFields, name: string): string {
  const value = fields.get(name)
  if (value === undefined) throw new ConnectorFault(`key not found: ${name}`)
  return value
}

function propertiesOf(fields: FormFields, type: Type): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  for (const [property, field] of Object.entries(type.properties)) {
    const value = fields.get(`data[${field}]`)
    if (value !== undefined) properties[property] = value
  }
  if (!type.merges) return properties
  const merges = [...fields].flatMap(([name, value]) => {
    const merge = /^data\[merges\]\[([^\]]+)\]$/.exec(name)?.[1]
    return merge === undefined ? [] : [[merge, value] as const]
  })
  return merges.length === 0 ? properties : { ...properties, merges: Object.fromEntries(merges) }
}

/** `2009-03-26 21:35:57`, which is UTC. @throws ConnectorFault */
function timeOf(firedAt: string): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(firedAt)
  if (match === null) {
    throw new ConnectorFault(`Invalid format: "${firedAt}", yyyy-MM-dd HH:mm:ss is expected`)
  }
  return `${match[1]}T${match[2]}.000Z`
}
