// One table (a, n, b, key) an indicator: of each item the n-th correlated id and what its weight is made of. The measures are those
// of `algorithms/acos.ts` and `algorithms/cross-occurrence.ts`, in doubles and in the same order of additions and multiplications.
import type { Indicator, UniversalParams } from '#schemas/engines/universal'
import { COLUMN_POWER, ROW_POWER, SHRINK, USER_UNIT, WEIGHT_STEPS } from '../../algorithms/acos.ts'
import { matrixOf } from './spark-matrices.ts'
import type { Steps } from './spark-steps.ts'
import { double, xLogX } from './spark-text.ts'

export const listsOf = (indicator: number): string => `lists_${indicator}`

/** Cells up to which the lists of all users are sent to every task, so that pairs need no exchange. */
const BROADCAST_CELLS_MAX = 20_000_000
/** Pairs a task is to count. */
const PAIRS_A_TASK = 1_000_000
const TASKS = { min: 2, max: 4096 }

export interface ListsPlan {
  readonly params: UniversalParams
  readonly users: number
  readonly cells: readonly number[]
  /** Kind of measure. */
  readonly byLlr: boolean
}

export async function makeLists(steps: Steps, plan: ListsPlan): Promise<void> {
  for (const [i, indicator] of plan.params.indicators.entries()) {
    const tasks = await tasksOf(steps, i)
    await steps.set('spark.sql.shuffle.partitions', tasks)
    const measured = plan.byLlr
      ? await llrQuery(steps, plan, i, tasks)
      : await acosQuery(steps, plan, i, tasks)
    await steps.table(listsOf(i), bestOf(measured, indicator))
  }
}

async function tasksOf(steps: Steps, indicator: number): Promise<number> {
  await steps.view('lengths', lengthsQuery(indicator))
  const [row] = await steps.rows(
    'select coalesce(sum(cast(k * l as double)), 0d) pairs from lengths',
  )
  const wanted = Math.ceil((row?.pairs as number) / PAIRS_A_TASK)
  return Math.min(TASKS.max, Math.max(TASKS.min, wanted))
}

/** Of every user that counts the targets in the primary matrix and in this one; at least 1, as weights want it. */
const lengthsQuery = (indicator: number): string => `
  select users.u, coalesce(p.n, 1L) k, coalesce(q.n, 1L) l from users
    left join (select u, count(*) n from ${matrixOf(0)} group by u) p on p.u = users.u
    left join (select u, count(*) n from ${matrixOf(indicator)} group by u) q on q.u = users.u`

/** value descending, then the order of ids */
const bestOf = (measured: string, { maxCorrelatorsPerItem }: Indicator): string => `
  select a, n, b, key from (
    select a, b, key, cast(row_number() over (partition by a order by key desc, b) as int) n from (${measured}))
  where n <= ${maxCorrelatorsPerItem}`

/**
 * The sums over the users of both of every pair (a, b) that has any.
 * @param primary rows (u, t, …) of the primary matrix
 * @param sum of its columns
 */
function pairsQuery(
  { cells }: ListsPlan,
  indicator: number,
  tasks: number,
  primary: string,
  sum: string,
): string {
  const ids = matrixOf(indicator)
  const joined =
    (cells[indicator] as number) <= BROADCAST_CELLS_MAX
      ? `select /*+ broadcast(l) */ p.*, explode(l.ts) b
         from (select /*+ repartition(${tasks}, t) */ * from (${primary})) p
         join (select u, collect_list(t) ts from ${ids} group by u) l on p.u = l.u`
      : `select /*+ shuffle_hash(q) */ p.*, q.t b from (${primary}) p join ${ids} q on p.u = q.u`
  const others = indicator === 0 ? 'where t <> b' : ''
  return `select t a, b, ${sum} c from (${joined}) ${others} group by t, b`
}

async function acosQuery(steps: Steps, plan: ListsPlan, i: number, tasks: number): Promise<string> {
  const unit = double(USER_UNIT)
  const raw = '(1d / sqrt(sqrt(cast(k * l as double))))'
  const [row] = await steps.rows(`select sum(floor(${raw} * ${unit} + 0.5d)) s from lengths`)
  const scale = (USER_UNIT * (plan.users * USER_UNIT)) / (row?.s as number)
  const weights = `weights_${i}`
  await steps.table(
    weights,
    `select u, cast(floor(${raw} * ${double(scale)} + 0.5d) as double) w from lengths`,
  )
  const norm = (power: number): string =>
    `exp(${double(power)} * ln(sum(w) / ${unit} + ${double(SHRINK)}))`
  const sums = (matrix: string, factor: string): string =>
    `select t, ${factor} f from ${matrix} join ${weights} using (u) group by t`
  await steps.table(`rows_${i}`, sums(matrixOf(0), `${double(WEIGHT_STEPS)} / ${norm(ROW_POWER)}`))
  await steps.table(`columns_${i}`, sums(matrixOf(i), `1d / (${unit} * ${norm(COLUMN_POWER)})`))
  const primary = `select u, t, w from ${matrixOf(0)} join ${weights} using (u)`
  return `
    select a, b, cast(floor(value) as int) key from (
      select a, b, c * columns_${i}.f * rows_${i}.f + 0.5d value
      from (${pairsQuery(plan, i, tasks, primary, 'sum(w)')})
        join rows_${i} on rows_${i}.t = a join columns_${i} on columns_${i}.t = b)
    where value >= 1d`
}

async function llrQuery(steps: Steps, plan: ListsPlan, i: number, tasks: number): Promise<string> {
  const { params, users } = plan
  const all = double(users)
  const others = (count: string): string => `(${all} - ${count})`
  const terms = (matrix: string, term: string): string =>
    `select t, n, ${term} x from (select t, cast(count(*) as double) n from ${matrix} group by t)`
  const both = `${xLogX('n')} + ${xLogX(others('n'))}`
  await steps.table(`rows_${i}`, terms(matrixOf(0), `(${both}) - ${xLogX(all)}`))
  await steps.table(`columns_${i}`, terms(matrixOf(i), both))
  const primary = `select u, t from ${matrixOf(0)}`
  const counts = `
    select a, b, r.x rx, q.x qx, c k11, r.n - c k12, q.n - c k21, ${all} - r.n - q.n + c k22
    from (${pairsQuery(plan, i, tasks, primary, 'cast(count(*) as double)')})
      join rows_${i} r on r.t = a join columns_${i} q on q.t = b`
  const apart = params.scoring === 'weighted' ? '>' : '<>'
  const matrix = ['k11', 'k12', 'k21', 'k22'].map(xLogX).join(' + ')
  const least = Math.fround(params.indicators[i]?.minLlr ?? 0)
  return `
    select a, b, key from (
      select a, b, cast(2d * (${matrix} - rx - qx) as float) key
      from (${counts}) where k11 * k22 ${apart} k12 * k21)
    where key > 0f and key >= cast(${double(least)} as float)`
}
