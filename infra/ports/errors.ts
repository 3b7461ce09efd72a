// The one catalogue of errors: code, message template, HTTP status, whether trying again can help, and what to do about
// it. docs/reference/errors.md lists the same; a test proves they agree. Codes are never re-used.
import { EngineJsonError } from '#schemas/engines/engine-json-error'

interface ErrorDeclaration {
  readonly status: number
  readonly retryable: boolean
  /** `{name}` is replaced by a detail of that name. */
  readonly message: string
  readonly hint: string
}

export const ERRORS = {
  // requests
  EVENT_INVALID: {
    status: 400,
    retryable: false,
    message: '{reason}',
    hint: 'Correct the event and send it again.',
  },
  BODY_INVALID: {
    status: 400,
    retryable: false,
    message: '{reason}',
    hint: 'Send one JSON value of the documented shape.',
  },
  BODY_TOO_LARGE: {
    status: 400,
    retryable: false,
    message: 'The body has more than {limit} bytes.',
    hint: 'Send fewer or smaller events in one request.',
  },
  BATCH_TOO_LARGE: {
    status: 400,
    retryable: false,
    message: 'Batch request must have less than or equal to {limit} events',
    hint: 'Split the batch.',
  },
  ID_TOO_LONG: {
    status: 400,
    retryable: false,
    message: 'The {field} has more than {limit} bytes.',
    hint: 'Use shorter ids; hash long ones.',
  },
  PARAMETER_INVALID: {
    status: 400,
    retryable: false,
    message: 'The parameter {name} is wrong: {reason}',
    hint: 'See the reference of this route.',
  },
  ACCESS_KEY_MISSING: {
    status: 401,
    retryable: false,
    message: 'Missing accessKey.',
    hint: 'Add ?accessKey=… or Basic authentication.',
  },
  ACCESS_KEY_INVALID: {
    status: 401,
    retryable: false,
    message: 'Invalid accessKey.',
    hint: 'List the keys: millrace accesskey list',
  },
  CHANNEL_INVALID: {
    status: 401,
    retryable: false,
    message: "Invalid channel '{channel}'.",
    hint: 'Create it: millrace app channel-new APP CHANNEL',
  },
  EVENT_NOT_ALLOWED: {
    status: 403,
    retryable: false,
    message: '{event} events are not allowed',
    hint: 'Use a key that may send this event.',
  },
  NOT_FOUND: {
    status: 404,
    retryable: false,
    message: '{what} was not found.',
    hint: 'Check the name or path.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    retryable: false,
    message: 'HTTP method not allowed, supported methods: {methods}',
    hint: 'Use one of these methods.',
  },
  NOT_ACCEPTABLE: {
    status: 406,
    retryable: false,
    message: 'Resource representation is only available with these types:\napplication/json',
    hint: 'Leave the Accept header out, or let it include application/json.',
  },
  URI_TOO_LONG: {
    status: 414,
    retryable: false,
    message: 'URI length exceeds the configured limit of {limit} characters',
    hint: 'Use shorter parameters.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    status: 415,
    retryable: false,
    message: "The request's Content-Type is not supported. Expected:\n{expected}",
    hint: 'Send the header Content-Type: {expected}, and a body of that kind.',
  },
  ADMISSION_LIMITED: {
    status: 429,
    retryable: true,
    message: 'This access key may send {limit} events a second.',
    hint: 'Send it again after Retry-After ({retryAfter} s), or raise admission.events-per-second.',
  },
  READ_TIMEOUT: {
    status: 503,
    retryable: true,
    message:
      'The store is behind: it has not applied what was acknowledged before this request within {ms} ms.',
    hint: 'Try again after Retry-After; see millrace status.',
  },
  // queries
  QUERY_INVALID: {
    status: 400,
    retryable: false,
    message: 'The query is wrong: {reason}',
    hint: 'See the query reference of the engine.',
  },
  ENGINE_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'There is no engine {engine}.',
    hint: 'List the engines: millrace engine list. Register one: millrace engine add engine.json',
  },
  ENGINE_NOT_TRAINED: {
    status: 404,
    retryable: false,
    message: 'The engine {engine} was never trained.',
    hint: 'Train it: millrace train --variant engine.json',
  },
  QUERY_OVERLOADED: {
    status: 503,
    retryable: true,
    message: 'Too many queries are in flight ({limit}).',
    hint: 'Try again after Retry-After.',
  },
  // log and stores
  LOG_UNAVAILABLE: {
    status: 503,
    retryable: true,
    message: 'The log did not take the record: {reason}',
    hint: 'Send it again with the eventId of this answer: it takes effect once.',
  },
  LOG_FULL: {
    status: 503,
    retryable: true,
    message: 'The disk of the log is full.',
    hint: 'Free space on the data folder, then send the event again.',
  },
  LOG_TRIMMED: {
    status: 410,
    retryable: false,
    message: 'The log begins at {start}; records from {from} on were asked for.',
    hint: 'Read the archive up to there.',
  },
  LOG_BEHIND: {
    status: 500,
    retryable: false,
    message:
      'The log ends at offset {end} of partition {partition}, but the {sink} sink has applied it up to {applied}: records that were accepted are missing from the log.',
    hint: 'Put back the log/ that belongs to this data folder. If it is lost, move store/ and files/ranges away: both are made again from the log that is left.',
  },
  OVERLOADED: {
    status: 503,
    retryable: true,
    message: 'Too much is waiting for the log ({limit}).',
    hint: 'Try again after Retry-After.',
  },
  STORE_FAILED: {
    status: 500,
    retryable: true,
    message: 'The event store failed: {reason}',
    hint: 'See millrace status.',
  },
  JOB_INTERRUPTED: {
    status: 409,
    retryable: false,
    message: 'Millrace is stopping before {what} is done.',
    hint: 'It goes on by itself when Millrace is started again: see millrace status before you repeat the command.',
  },
  SINK_STOPPED: {
    status: 503,
    retryable: true,
    message: 'The {sink} sink has stopped: {reason}.',
    hint: 'See millrace status; start Millrace again when the cause is mended.',
  },
  EVENT_ID_REUSED: {
    status: 409,
    retryable: false,
    message: 'The event id {eventId} is taken by another event of this entity.',
    hint: 'Give each event its own id.',
  },
  RECORD_UNREADABLE: {
    status: 422,
    retryable: false,
    message: 'A record of the log cannot be read: {reason}',
    hint: 'See millrace dead-letters.',
  },
  ITEM_REFUSED: {
    status: 422,
    retryable: false,
    message: 'The item index refuses the item {item}: {reason}',
    hint: 'Mend its properties and send them again: millrace dead-letters show OFFSET',
  },
  DEAD_LETTER_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'There is no dead letter at offset {offset}.',
    hint: 'List them: millrace dead-letters list',
  },
  DEAD_LETTER_RESENT: {
    status: 409,
    retryable: false,
    message: 'The dead letter {offset} was sent again already, as event {eventId}.',
    hint: 'To send it once more, as one more event, add --again.',
  },
  DEAD_LETTER_NO_EVENT: {
    status: 422,
    retryable: false,
    message: 'The dead letter {offset} holds no event that can be read.',
    hint: 'Give the event with --file mended.json and its app with --app NAME.',
  },
  INDEX_VERSION_UNKNOWN: {
    status: 503,
    retryable: true,
    message: 'The index has no version {version}.',
    hint: 'It is being loaded, or it was retired: try again.',
  },
  INDEX_UNAVAILABLE: {
    status: 503,
    retryable: true,
    message: 'The item index does not answer: {reason}',
    hint: 'Queries are answered without it meanwhile. See millrace status, and the log of its server.',
  },
  INDEX_FAILED: {
    status: 500,
    retryable: false,
    message: 'The item index refused a request: {reason}',
    hint: 'See the log of its server.',
  },
  ARCHIVE_BEHIND: {
    status: 503,
    retryable: true,
    message:
      'The archive ends at offset {end} of partition {partition}; offset {wanted} was asked for.',
    hint: 'See millrace status: the archive sink is behind, or a range file is missing.',
  },
  ARCHIVE_CORRUPT: {
    status: 500,
    retryable: false,
    message: 'The archive file {file} is damaged: {reason}',
    hint: 'Restore it from a copy, or train on what is left after removing its range.',
  },
  MODEL_CORRUPT: {
    status: 500,
    retryable: false,
    message: 'The model file {file} is damaged: {reason}',
    hint: 'Roll back (millrace model rollback) or train again.',
  },
  // control
  CONFLICT: {
    status: 409,
    retryable: true,
    message: 'Somebody else changed {object} meanwhile.',
    hint: 'Look at it again and repeat the change.',
  },
  APP_EXISTS: {
    status: 409,
    retryable: false,
    message: 'App {app} already exists. Aborting.',
    hint: 'Choose another name, or use the app that exists.',
  },
  APP_ID_EXISTS: {
    status: 409,
    retryable: false,
    message: "App ID {id} already exists and maps to the app '{app}'. Aborting.",
    hint: 'Leave --id out.',
  },
  APP_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'App {app} does not exist. Aborting.',
    hint: 'List the apps: millrace app list',
  },
  CHANNEL_EXISTS: {
    status: 409,
    retryable: false,
    message: 'Channel {channel} already exists.',
    hint: 'Choose another name.',
  },
  CHANNEL_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: "Channel {channel} doesn't exist.",
    hint: 'List the channels: millrace app show APP',
  },
  CHANNEL_NAME_INVALID: {
    status: 400,
    retryable: false,
    message:
      'The channel name {channel} is invalid. Only alphanumeric and - characters are allowed and max length is 16.',
    hint: 'Choose another name.',
  },
  ACCESS_KEY_EXISTS: {
    status: 409,
    retryable: false,
    message: 'This access key already exists.',
    hint: 'Choose another one, or leave it out to have one made.',
  },
  ACCESS_KEY_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'There is no such access key.',
    hint: 'List the keys: millrace accesskey list',
  },
  VERSION_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'The engine {engine} has no version {version}.',
    hint: 'List the versions: millrace model list',
  },
  NO_ROLLBACK: {
    status: 409,
    retryable: false,
    message: 'The engine {engine} has no older version to go back to.',
    hint: 'Train again: millrace train',
  },
  // engines and training
  ENGINE_JSON_INVALID: {
    status: 400,
    retryable: false,
    message: '{file}: {path}: {reason}',
    hint: '{mend}',
  },
  ENGINE_EXISTS: {
    status: 400,
    retryable: false,
    message: 'Engine {engine} already exists, use update.',
    hint: 'POST its new parameters to /engines/{engine}/configs.',
  },
  HARNESS_CALL_FORBIDDEN: {
    status: 403,
    retryable: false,
    message: 'The call {call} is not open to this access key.',
    hint: '{mend}',
  },
  HARNESS_CALL_UNSERVED: {
    status: 501,
    retryable: false,
    message: 'The call {call} of Harness is not served here.',
    hint: 'Use the command line: {command}',
  },
  ENGINE_ID_TAKEN: {
    status: 409,
    retryable: false,
    message: 'The engine id {engine} belongs to the app {app}.',
    hint: 'Give this one its own: --engine-id ID',
  },
  TRAINING_NO_EVENTS: {
    status: 409,
    retryable: false,
    message: 'The app {app} has no {event} events to train {engine} on: {reason}.',
    hint: 'Send or import such events, or name another primary indicator in engine.json.',
  },
  TRAINING_RUNNING: {
    status: 409,
    retryable: true,
    message: 'A training of {engine} is running (job {job}).',
    hint: 'Wait for it, or cancel it: millrace train --cancel',
  },
  TRAINING_FAILED: {
    status: 500,
    retryable: true,
    message: 'The training of {engine} failed: {reason}',
    hint: 'The version that answered before still answers. Mend the cause and train again.',
  },
  TRAINING_TOO_LARGE: {
    status: 409,
    retryable: false,
    message:
      'A training of {engine} on {events} events needs about {needed} MB; this process can have {available} MB.',
    hint: 'Train it on Spark: [engines.{engine}] batch = "sc://host:port" in millrace.toml. Or give this machine more memory.',
  },
  TRAINING_CANCELLED: {
    status: 409,
    retryable: true,
    message: 'The training of {engine} was cancelled.',
    hint: 'The version that answered before still answers.',
  },
  SPARK_UNREACHABLE: {
    status: 503,
    retryable: true,
    message: 'Spark ({address}) cannot be reached: {reason}',
    hint: 'Start its Connect server, or correct the setting "batch". For development ./millrace cluster up --only spark starts one here.',
  },
  SPARK_REFUSED: {
    status: 500,
    retryable: false,
    message: 'Spark did not do it: {reason}',
    hint: 'Mend what it names ({errorClass}); see the log of the server too.',
  },
  SPARK_LOST: {
    status: 503,
    retryable: true,
    message: 'Spark has lost the session or the operation: {reason}',
    hint: 'Its server was started anew, or nobody was attached for too long. Start the work anew.',
  },
  SPARK_DEADLINE: {
    status: 504,
    retryable: true,
    message: 'Spark did not come to an end within {seconds} s.',
    hint: 'It was interrupted. Give Spark more cores, or the work less to do.',
  },
  QUEUE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    message: 'The job queue does not answer: {reason}',
    hint: 'Check its server (setting "queue"); schedules go on when it is back.',
  },
  JOB_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'There is no job {job}.',
    hint: 'See millrace status.',
  },
  JOB_CRASHED: {
    status: 500,
    retryable: true,
    message: 'The process died {crashes} times while the job {job} was running: it is given up.',
    hint: 'Look at the log of the process, mend the cause, then start the job anew.',
  },
  // command line, configuration, processes
  USAGE: {
    status: 400,
    retryable: false,
    message: '{reason}',
    hint: 'See millrace help {command}',
  },
  CONFIG_INVALID: { status: 400, retryable: false, message: '{where}: {reason}', hint: '{mend}' },
  ROLES_NOT_SHARED: {
    status: 400,
    retryable: false,
    message: 'The roles {roles} cannot run apart: {ports} belong to one process.',
    hint: 'Give these ports servers in millrace.toml ({mends}), or start all roles in one process.',
  },
  CONFIG_UNSUPPORTED: {
    status: 400,
    retryable: false,
    message: '{where}: {value} is a backend that this version does not have yet.',
    hint: 'Use {supported}.',
  },
  PORT_IN_USE: {
    status: 500,
    retryable: true,
    message: 'The {server} cannot listen on {address}: the port is in use.',
    hint: 'Stop the other process, or choose another port with {flag} (0 = any free one).',
  },
  LISTEN_FAILED: {
    status: 500,
    retryable: true,
    message: 'The {server} cannot listen on {address}: {reason}',
    hint: 'Choose another address with --ip or another port with {flag}.',
  },
  DATA_FOLDER_OWNED: {
    status: 409,
    retryable: true,
    message: 'The data folder {folder} is owned by the running process {pid}.',
    hint: 'Stop it (millrace stop), or use another folder (--data DIR).',
  },
  DATA_FOLDER_NOT_EMPTY: {
    status: 409,
    retryable: false,
    message: 'The data folder {folder} is not empty.',
    hint: 'The quickstart needs a new one: --data DIR',
  },
  DATA_FOLDER_VERSION: {
    status: 409,
    retryable: false,
    message: 'The data folder {folder} has format {found}; this Millrace knows format {known}.',
    hint: '{mend}',
  },
  DATA_FOLDER_FOREIGN: {
    status: 409,
    retryable: false,
    message: '{folder} holds files but is not a data folder of Millrace.',
    hint: 'Use another folder: --data DIR',
  },
  DATA_FOLDER_UNUSABLE: {
    status: 500,
    retryable: false,
    message: 'The data folder {folder} cannot be used: {reason}',
    hint: 'Check its path, owner and permissions.',
  },
  DISK_FULL: {
    status: 507,
    retryable: true,
    message: 'The disk is full: {what}',
    hint: 'Free space on the data folder; what was acknowledged is safe.',
  },
  NOT_RUNNING: {
    status: 409,
    retryable: false,
    message: 'No Millrace is running on the data folder {folder}.',
    hint: 'Start it: millrace start',
  },
  KAFKA_USER_REFUSED: {
    status: 409,
    retryable: false,
    message: 'The Kafka user {user} was not made: {reason}',
    hint: 'Try another name: millrace app kafka-user APP USER. It needs a log over Kafka, whose brokers check users (SASL/SCRAM) and rights.',
  },
  SUBJECT_FOREIGN: {
    status: 403,
    retryable: false,
    message: 'The access key may not register schemas under {subject}.',
    hint: "Use a subject of its own app's inbox: PREFIX.{inbox}-value",
  },
  SCHEMA_UNKNOWN: {
    status: 404,
    retryable: false,
    message: 'There is no schema {id}.',
    hint: 'Register the schema first, and frame records with the id that the registry answers.',
  },
  SCHEMA_INVALID: {
    status: 422,
    retryable: false,
    message: 'This is no Avro schema that is taken: {reason}',
    hint: 'Send an Avro schema as JSON text.',
  },
  SCHEMA_INCOMPATIBLE: {
    status: 409,
    retryable: false,
    message: 'The schema cannot read what version {version} of {subject} wrote: {reason}',
    hint: 'Give new fields a default, and keep those that have none.',
  },
  SCHEMAS_TOO_MANY: {
    status: 422,
    retryable: false,
    message: 'There are {limit} schemas already.',
    hint: 'Register one schema and use it; do not make one a message.',
  },
  SCHEMA_REGISTRY_UNAVAILABLE: {
    status: 503,
    retryable: true,
    message: 'The schema registry at {address} does not answer: {reason}',
    hint: 'Start it, or correct the parameter "registry" of the setting "log".',
  },
  SERVER_UNREACHABLE: {
    status: 503,
    retryable: true,
    message: 'The server of the {port} ({address}) cannot be reached: {reason}',
    hint: 'Start it, or correct the setting "{port}". For development ./millrace cluster up starts one here.',
  },
  SERVER_REFUSED: {
    status: 500,
    retryable: false,
    message: 'The server of the {port} ({address}) refused this process: {reason}',
    hint: 'Correct user, password or rights; they stand in the setting "{port}".',
  },
  SERVER_VERSION: {
    status: 500,
    retryable: false,
    message: 'The server of the {port} ({address}) is of version {found}; {known} is needed.',
    hint: 'Install one of these, or name another server in "{port}".',
  },
  OWNER_UNREACHABLE: {
    status: 503,
    retryable: true,
    message: 'The process {pid} owns the data folder but does not answer at {address}.',
    hint: 'Wait for its start to finish, or look at its log.',
  },
  FILE_NOT_FOUND: {
    status: 404,
    retryable: false,
    message: 'The file {file} does not exist.',
    hint: 'Check the path.',
  },
  FILE_PATH_INVALID: {
    status: 400,
    retryable: false,
    message: 'The path {file} is wrong: {reason}.',
    hint: 'Use a relative path of plain names.',
  },
  FILE_EXISTS: {
    status: 409,
    retryable: false,
    message: '{file} exists already.',
    hint: 'Choose another name; nothing was written.',
  },
  SCHEDULE_INVALID: {
    status: 400,
    retryable: false,
    message: 'The schedule is wrong: {reason}',
    hint: "Give one of --cron '0 3 * * *' (UTC), --every 6h, --after-events 10000 and --off.",
  },
  CLUSTER_TOOL_MISSING: {
    status: 500,
    retryable: false,
    message: '{tool} is needed: {reason}.',
    hint: '{mend}',
  },
  CLUSTER_FETCH_FAILED: {
    status: 503,
    retryable: true,
    message: '{what} could not be fetched: {reason}',
    hint: 'Check the connection to the package registry and its settings, then run the command again.',
  },
  CLUSTER_CHECKSUM_WRONG: {
    status: 500,
    retryable: false,
    message: '{what} is not what it should be: its digest is {found}, not {expected}.',
    hint: 'Do not use it. Check which registry or mirror it came from.',
  },
  CLUSTER_SERVER_FAILED: {
    status: 500,
    retryable: true,
    message: '{server} did not start: {reason}. Its log {log} ends so:\n{tail}',
    hint: 'Mend what the log says, then: millrace cluster up. It starts only what does not run.',
  },
  CLUSTER_UNKNOWN: {
    status: 404,
    retryable: false,
    message: 'There is no cluster in {folder}.',
    hint: 'Start one: millrace cluster up, or name its folder with --data.',
  },
  CLUSTER_RUNNING_OTHERWISE: {
    status: 409,
    retryable: false,
    message: '{server} runs {form} here.',
    hint: 'Stop it first: millrace cluster down. What it holds stays with that form.',
  },
  CLUSTER_BUSY: {
    status: 409,
    retryable: true,
    message: 'Another command is at work; it holds {file}.',
    hint: 'Wait until it has ended.',
  },
  ANSWERS_DIFFER: {
    status: 409,
    retryable: false,
    message: '{different} of {queries} answers differ.',
    hint: 'Without --exact the command reports and does not fail.',
  },
  IMPORT_REFUSED_LINES: {
    status: 422,
    retryable: false,
    message: '{refused} of {lines} lines were refused; they are in {file}.',
    hint: 'Mend them there and import that file.',
  },
  FILE_UNREADABLE: {
    status: 400,
    retryable: false,
    message: '{file} cannot be read: {reason}',
    hint: 'Check the file.',
  },
  REPLAY_RUNNING: {
    status: 409,
    retryable: true,
    message: 'A replay is running already: version {version}.',
    hint: 'Wait until it is done, or interrupt it.',
  },
  REPLAY_FAILED: {
    status: 500,
    retryable: true,
    message: 'The replay failed: {reason}. The live version is as it was.',
    hint: 'See the log of the process, then run millrace replay again.',
  },
  UPKEEP_FAILED: {
    status: 500,
    retryable: true,
    message: 'The upkeep of the archive failed: {reason}',
    hint: 'It is tried again within an hour; see the log of the process.',
  },
  INTERNAL: {
    status: 500,
    retryable: false,
    message: 'Something went wrong inside: {reason}',
    hint: 'This is a fault of Millrace: please report it with the log.',
  },
} as const satisfies Record<string, ErrorDeclaration>

export type ErrorCode = keyof typeof ERRORS
export type ErrorDetails = Readonly<Record<string, string | number>>

/** Every error of ours that leaves a function; library errors become one at the backend's edge. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: ErrorCode
  readonly details: ErrorDetails
  readonly status: number
  readonly retryable: boolean
  readonly hint: string

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    const declaration = ERRORS[code]
    super(fill(declaration.message, details), options)
    this.code = code
    this.details = details
    this.status = declaration.status
    this.retryable = declaration.retryable
    this.hint = fill(declaration.hint, details)
  }

  /** The body of our own routes. */
  toJSON(): { code: ErrorCode; message: string; hint: string } {
    return { code: this.code, message: this.message, hint: this.hint }
  }
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(details[name] ?? whole))
}

/** The error as one of ours: itself, a fault in an engine.json by its code, or INTERNAL with it as the cause. */
export function asMillraceError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  if (error instanceof EngineJsonError) return new MillraceError(error.code, { ...error.details })
  const reason = error instanceof Error ? error.message : String(error)
  return new MillraceError('INTERNAL', { reason }, { cause: error })
}
