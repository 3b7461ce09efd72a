/** Bits numbered from 0 that grow as they are set; a bit never set reads as false. */
export class Bitset {
  words: Uint32Array

  constructor(bits = 0) {
    this.words = new Uint32Array((bits + 31) >>> 5)
  }

  has(bit: number): boolean {
    const word = bit >>> 5
    return word < this.words.length && ((this.words[word] as number) & (1 << (bit & 31))) !== 0
  }

  add(bit: number): void {
    const word = bit >>> 5
    if (word >= this.words.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.words.length * 2))
      grown.set(this.words)
      this.words = grown
    }
    this.words[word] = (this.words[word] as number) | (1 << (bit & 31))
  }

  delete(bit: number): void {
    const word = bit >>> 5
    if (word >= this.words.length) return
    this.words[word] = (this.words[word] as number) & ~(1 << (bit & 31))
  }

  put(bit: number, value: boolean): void {
    if (value) this.add(bit)
    else this.delete(bit)
  }

  /** Calls `visit` with each bit that is set, ascending. */
  forEach(visit: (bit: number) => void): void {
    for (let word = 0; word < this.words.length; word++) {
      let rest = this.words[word] as number
      while (rest !== 0) {
        visit(word * 32 + 31 - Math.clz32(rest & -rest))
        rest &= rest - 1
      }
    }
  }

  clear(): void {
    this.words.fill(0)
  }
}
