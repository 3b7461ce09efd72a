// The calls of Spark Connect that we make, and their messages as JavaScript has them: fields in camel case, 64-bit integers as
// numbers, bytes as Buffers, only the chosen member of a oneof there. spark.proto says what each means.

export interface SparkConnect {
  executePlan(request: Asking & ExecutePlanRequest, deadlineMs: number): Answers
  reattachExecute(request: Asking & ReattachExecuteRequest, deadlineMs: number): Answers
  releaseExecute(request: Asking & ReleaseExecuteRequest, deadlineMs: number): Promise<object>
  interrupt(request: Asking & InterruptRequest, deadlineMs: number): Promise<object>
  analyzePlan(
    request: Asking & AnalyzePlanRequest,
    deadlineMs: number,
  ): Promise<AnalyzePlanResponse>
  config(request: Asking & ConfigRequest, deadlineMs: number): Promise<object>
  fetchErrorDetails(
    request: Asking & { readonly errorId: string },
    deadlineMs: number,
  ): Promise<FetchErrorDetailsResponse>
  releaseSession(request: Asking, deadlineMs: number): Promise<object>
  close(): void
}

/** Every call throws RpcFailure. */
export interface Answers extends AsyncIterable<ExecutePlanResponse> {
  /** Ends the call here; what runs on the server goes on. */
  cancel(): void
}

/** Who asks: the same in every request of a session. */
export interface Asking {
  readonly sessionId: string
  readonly userContext: { readonly userId: string; readonly userName: string }
  readonly clientType: string
  readonly clientObservedServerSideSessionId?: string
}

export interface ExecutePlanRequest {
  readonly operationId: string
  readonly plan: Plan
  readonly requestOptions: readonly object[]
}

export interface ReattachExecuteRequest {
  readonly operationId: string
  readonly lastResponseId?: string
}

export interface ReleaseExecuteRequest {
  readonly operationId: string
  readonly releaseAll?: object
  readonly releaseUntil?: { readonly responseId: string }
}

export interface InterruptRequest {
  readonly operationId: string
  readonly interruptType: 'INTERRUPT_TYPE_OPERATION_ID'
}

export interface AnalyzePlanRequest {
  readonly sparkVersion: object
}

export interface ConfigRequest {
  readonly operation: {
    readonly set: { readonly pairs: readonly { readonly key: string; readonly value: string }[] }
  }
}

export interface Plan {
  readonly root?: Relation
  readonly command?: Command
}

export interface Relation {
  readonly sql?: { readonly query: string }
  readonly localRelation?: { readonly data: Uint8Array; readonly schema: string }
  readonly mlRelation?: {
    readonly fetch: {
      readonly objRef: ObjectRef
      readonly methods: readonly { readonly method: string }[]
    }
  }
  readonly read?: {
    readonly dataSource: {
      readonly format: string
      readonly paths: readonly string[]
      readonly options: Readonly<Record<string, string>>
    }
  }
}

export interface Command {
  readonly sqlCommand?: { readonly input: Relation }
  readonly createDataframeView?: {
    readonly input: Relation
    readonly name: string
    readonly replace: boolean
  }
  readonly writeOperation?: {
    readonly input: Relation
    readonly source: string
    readonly path: string
    readonly mode: 'SAVE_MODE_OVERWRITE'
  }
  readonly mlCommand?: {
    readonly fit?: {
      readonly estimator: {
        readonly name: string
        readonly uid: string
        readonly type: 'OPERATOR_TYPE_ESTIMATOR'
      }
      readonly params: { readonly params: Readonly<Record<string, Literal>> }
      readonly dataset: Relation
    }
    readonly delete?: { readonly objRefs: readonly ObjectRef[] }
  }
}

/** A model that the server keeps. */
export interface ObjectRef {
  readonly id: string
}

export type Literal =
  | { readonly boolean: boolean }
  | { readonly integer: number }
  | { readonly long: number }
  | { readonly double: number }
  | { readonly string: string }

export interface ExecutePlanResponse {
  readonly responseId: string
  readonly serverSideSessionId: string
  readonly arrowBatch?: ArrowBatch
  readonly resultComplete?: object
  readonly executionProgress?: { readonly stages: readonly StageInfo[] }
  readonly mlCommandResult?: { readonly operatorInfo?: { readonly objRef?: ObjectRef } }
}

export interface ArrowBatch {
  readonly data: Buffer
  readonly numChunksInBatch?: number
}

export interface StageInfo {
  readonly stageId: number
  readonly numTasks: number
  readonly numCompletedTasks: number
  readonly done: boolean
}

export interface AnalyzePlanResponse {
  readonly serverSideSessionId: string
  readonly sparkVersion?: { readonly version: string }
}

export interface FetchErrorDetailsResponse {
  readonly rootErrorIdx?: number
  readonly errors: readonly {
    readonly errorTypeHierarchy: readonly string[]
    readonly message: string
    readonly causeIdx?: number
    readonly sparkThrowable?: { readonly errorClass?: string } | null
  }[]
}
