export { PERSONALITIES, type Personality, personalityOf } from './personalities.ts'
export { type Evidence, TRAITS, type Trait, traitsOf } from './traits.ts'
