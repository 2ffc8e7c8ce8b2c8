// Serves dist/ below a sub-path, and nothing beside it: what is asked for outside the path is a 404.
import { createServer } from 'node:http';
import process from 'node:process';
import sirv from 'sirv';

const base = '/a/sub/path';
const files = sirv(process.env.E2E_DIST ?? 'dist');
createServer((request, response) => {
  const notFound = () => response.writeHead(404).end();
  if (!request.url?.startsWith(`${base}/`)) return notFound();
  request.url = request.url.slice(base.length);
  files(request, response, notFound);
}).listen(Number(process.env.PORT), '127.0.0.1');
