export { PERSONALITIES, type Personality, personalityOf } from './personalities.ts'
export { TRAITS, type Trait, traitsOf } from './traits.ts'
