/** What is wrong with an engine.json. At a station's edge it becomes MillraceError ENGINE_JSON_INVALID with these details. */
export interface EngineJsonFault {
  /** The file as its user named it. */
  readonly file: string
  /** Where in it: `algorithms[0].params.num`. */
  readonly path: string
  readonly reason: string
  /** One sentence: what to write instead. */
  readonly mend: string
}

/** Thrown by the engine.json parsers; schemas know no catalogue of errors, so it carries the details only. */
export class EngineJsonError extends Error {
  override readonly name = 'EngineJsonError'
  readonly code = 'ENGINE_JSON_INVALID'
  readonly details: EngineJsonFault

  constructor(details: EngineJsonFault) {
    super(`${details.file}: ${details.path}: ${details.reason}`)
    this.details = details
  }
}
