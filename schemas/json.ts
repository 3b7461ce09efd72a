/** Any JSON value. Numbers that must keep their text (event properties) travel as JSON *text*, not as this type. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }
