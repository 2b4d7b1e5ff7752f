import { newRepository } from './restic.ts'

// Makes a repository whose keys nobody has to wait for. Argument: its folder.
const [folder] = process.argv.slice(2)
await newRepository(folder ?? '')
