// Typed arrays that grow by doubling, new places filled with one value.

type Numbers = Uint32Array<ArrayBuffer>
type Doubles = Float64Array<ArrayBuffer>

export function grownUint32(array: Numbers, length: number): Numbers {
  if (length <= array.length) return array
  const grown = new Uint32Array(Math.max(length, array.length * 2, 64))
  grown.set(array)
  return grown
}

export function grownFloat64(array: Doubles, length: number, fill: number): Doubles {
  if (length <= array.length) return array
  const grown = new Float64Array(Math.max(length, array.length * 2, 64))
  grown.set(array)
  grown.fill(fill, array.length)
  return grown
}
