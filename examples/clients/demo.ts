// Where the examples send their operations, and as whom. run.mjs sets both.
export const url = process.env.SLUICE_URL ?? 'http://127.0.0.1:4040/apps/sales/graphql';
export const token = process.env.SLUICE_TOKEN ?? '';
export const headers = { authorization: `Bearer ${token}` };
