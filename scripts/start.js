// npm start: installs what is missing, serves the page, prints its address.
import process from 'node:process';
import { join } from 'node:path';
import { checkNode, installPackages, root, run } from './setup.js';

checkNode();
installPackages();
process.exit(run(process.execPath, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), ...process.argv.slice(2)]));
