// The conformance suite of the item index: every backend passes it.
import { describe } from 'node:test'
import type { CreateItemIndex } from '../support/item-index-fixture.ts'
import { itemIndexDocumentTests } from './item-index-documents-suite.ts'
import { itemIndexScoringTests } from './item-index-scoring-suite.ts'

export interface ItemIndexFactory {
  readonly name: string
  readonly create: CreateItemIndex
}

export function itemIndexSuite({ name, create }: ItemIndexFactory): void {
  describe(`item index: ${name}: scoring`, () => itemIndexScoringTests(create))
  describe(`item index: ${name}: documents`, () => itemIndexDocumentTests(create))
}
