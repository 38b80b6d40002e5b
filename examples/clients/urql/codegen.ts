import type { CodegenConfig } from '@graphql-codegen/cli';

// schema.graphql is what the persona of the example may use: what they may not
// see is no type, and an operation that names it does not compile.
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['urql/*.ts', '!urql/codegen.ts'],
  generates: {
    'urql/generated/': {
      preset: 'client',
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        // Scalars are strings in JSON, but for these.
        defaultScalarType: 'string',
        scalars: {
          Decimal: { input: 'string | number', output: 'string' },
          Long: { input: 'string | number', output: 'number | string' },
          JSON: 'unknown',
          CreatedReportFilter: 'Record<string, unknown>',
        },
      },
    },
  },
};

export default config;
