// The rules an event can break: code, text and hint, in the order in which they are checked. The texts are
// PredictionIO's, since its clients match on them; the last three are limits of ours. docs/reference/errors.md lists the
// same, and a test proves that they agree. Codes are never used again for something else.

const MAPPING = 'org.json4s.package$MappingException: '
const DATA_MAP = 'org.apache.predictionio.data.storage.DataMapException: '
const REQUIREMENT = 'java.lang.IllegalArgumentException: requirement failed: '
const RESERVED = "is not allowed. 'pio_' is a reserved name prefix."

export const EVENT_RULES = [
  {
    code: 'EVENT_NOT_AN_OBJECT',
    message: "Can't convert {value} to class org.apache.predictionio.data.storage.Event",
    hint: 'Send one JSON object.',
  },
  {
    code: 'BATCH_ELEMENT_NOT_AN_OBJECT',
    message: '{value} (of class {class})',
    hint: 'Each element of a batch is one JSON object.',
  },
  {
    code: 'EVENT_FIELD_MISSING',
    message: `${DATA_MAP}The field {field} is required.`,
    hint: 'Every event has event, entityType and entityId.',
  },
  {
    code: 'EVENT_FIELD_NULL',
    message: `${DATA_MAP}The required field {field} cannot be null.`,
    hint: 'Every event has event, entityType and entityId.',
  },
  {
    code: 'EVENT_FIELD_TYPE',
    message: `${MAPPING}Do not know how to convert {value} into class java.lang.String`,
    hint: 'All fields but properties are strings (numbers are taken as text).',
  },
  {
    code: 'PROPERTIES_NOT_AN_OBJECT',
    message: `${MAPPING}Expected object but got {value}`,
    hint: 'properties is a JSON object.',
  },
  {
    code: 'EVENT_TIME_INVALID',
    message: `${MAPPING}Fail to extract eventTime {value}`,
    hint: 'Write it as 2014-09-09T16:17:42.937-08:00: date, T, time, and an offset or Z.',
  },
  {
    code: 'EVENT_NAME_EMPTY',
    message: `${REQUIREMENT}event must not be empty.`,
    hint: 'Name what the entity did.',
  },
  {
    code: 'ENTITY_TYPE_EMPTY',
    message: `${REQUIREMENT}entityType must not be empty string.`,
    hint: 'Usually user or item.',
  },
  {
    code: 'ENTITY_ID_EMPTY',
    message: `${REQUIREMENT}entityId must not be empty string.`,
    hint: 'Give the id of the entity.',
  },
  {
    code: 'TARGET_ENTITY_TYPE_EMPTY',
    message: `${REQUIREMENT}targetEntityType must not be empty string`,
    hint: 'Leave both target fields out, or fill both.',
  },
  {
    code: 'TARGET_ENTITY_ID_EMPTY',
    message: `${REQUIREMENT}targetEntityId must not be empty string.`,
    hint: 'Leave both target fields out, or fill both.',
  },
  {
    code: 'TARGET_ENTITY_INCOMPLETE',
    message: `${REQUIREMENT}targetEntityType and targetEntityId must be specified together.`,
    hint: 'Leave both target fields out, or fill both.',
  },
  {
    code: 'UNSET_WITHOUT_PROPERTIES',
    message: `${REQUIREMENT}properties cannot be empty for $unset event`,
    hint: 'Name the properties to remove; their values do not matter.',
  },
  {
    code: 'EVENT_NAME_RESERVED',
    message: `${REQUIREMENT}{event} is not a supported reserved event name.`,
    hint: 'Only $set, $unset and $delete may begin with $; no name may begin with pio_.',
  },
  {
    code: 'SPECIAL_EVENT_WITH_TARGET',
    message: `${REQUIREMENT}Reserved event {event} cannot have targetEntity`,
    hint: 'Leave both target fields out.',
  },
  {
    code: 'ENTITY_TYPE_RESERVED',
    message: `${REQUIREMENT}The entityType {entityType} ${RESERVED}`,
    hint: 'Choose a type that begins with neither $ nor pio_.',
  },
  {
    code: 'TARGET_ENTITY_TYPE_RESERVED',
    message: `${REQUIREMENT}The targetEntityType {targetEntityType} ${RESERVED}`,
    hint: 'Choose a type that begins with neither $ nor pio_.',
  },
  {
    code: 'PROPERTY_RESERVED',
    message: `${REQUIREMENT}The property {property} ${RESERVED}`,
    hint: 'Rename the property; inside of values every name is free.',
  },
  {
    code: 'ID_TOO_LONG',
    message: 'The {field} has more than {limit} bytes.',
    hint: 'Use shorter ids; hash long ones.',
  },
  {
    code: 'PROPERTIES_NUMBER_RANGE',
    message: 'A number in properties is outside of what a double can hold (±1.8E308).',
    hint: 'Send it as a string, or smaller.',
  },
  {
    code: 'PROPERTIES_TOO_DEEP',
    message: 'The properties have more than {limit} levels of brackets.',
    hint: 'Flatten them, or send the inner part as a string.',
  },
] as const

export type EventRule = (typeof EVENT_RULES)[number]
/** Codes of the rules, in the order of the checks. */
export type RuleCode = EventRule['code']

/** A value in a message is cut off behind this many characters. */
const DETAIL_MAX = 2001

const messages = new Map<string, string>(EVENT_RULES.map((rule) => [rule.code, rule.message]))

/** The text of a broken rule. */
export function ruleMessage(code: RuleCode, details: Readonly<Record<string, string>>): string {
  const template = messages.get(code) ?? code
  return template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    (details[name] ?? whole).slice(0, DETAIL_MAX),
  )
}
