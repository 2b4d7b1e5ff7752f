import type { Command } from 'commander'
import { createRepository } from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { openNamedBackend, passwordFor, type RepositoryOptions, withRepositoryOptions } from '../repositories.ts'

export function addInit(program: Command, context: Context): void {
  withRepositoryOptions(program.command('init'))
    .description('make a repository')
    .option(...JSON_OUTPUT)
    .action((options) => init(options, context))
}

/** `phonekeep init`: makes an empty repository. */
async function init(options: RepositoryOptions & { json?: boolean }, context: Context): Promise<void> {
  const { clock, signal } = context
  const backend = await openNamedBackend(options, context)
  const { password } = await passwordFor(options, context, true)
  const repository = await createRepository(backend, { password, clock, signal })
  printResult(context, {
    json: options.json,
    result: { message_type: 'initialized', id: repository.id, repository: backend.location },
    lines: () => [
      `Made the repository ${repository.id.slice(0, 10)} in ${backend.location}.`,
      'Keep its password safe: without it nobody can read the backups, and nobody can reset it.',
      'Then run `phonekeep key recovery`: 24 words on paper open everything when the password is lost.',
    ],
  })
}
