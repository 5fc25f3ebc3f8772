import fc from 'fast-check'
import type { Fault, FaultDetails } from 'crewlog/testing'

/** What may go wrong at a call of the storage, or nothing; by weight, a hang being 1. */
export const aFault = (weights: { readonly none: number; readonly some: number }) =>
  fc.oneof(
    { weight: weights.none, arbitrary: fc.constant(undefined) },
    {
      weight: weights.some,
      arbitrary: fc.constantFrom<Fault | FaultDetails>(
        'error',
        'throw',
        'lost call',
        'lost answer',
        'delay',
        'slow answer',
        { fault: 'lost answer', ms: 40 },
        'late',
        'false refusal',
      ),
    },
    { weight: 1, arbitrary: fc.constant<Fault>('hang') },
  )
