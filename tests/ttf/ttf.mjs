// ttf.mjs - runs modules of `wasm-opt -ttf` on node and writes MODULE.node for each MODULE.wasm: what ttf.c prints.
//
// usage: node ttf.mjs MODULE.wasm...
//
// JavaScript does not tell the types of functions, so they are read from the binary.
import { readFileSync, writeFileSync } from 'node:fs';

// The types of exported functions, by name: { params, results }, each a list of "i32" and the like.
function functionTypes(bytes) {
  let at = 8;
  const names = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64' };
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const list = (item) => Array.from({ length: number() }, item);
  const text = () => {
    const count = number();
    at += count;
    return new TextDecoder().decode(bytes.subarray(at - count, at));
  };
  const valueType = () => names[bytes[at++]];
  const limits = () => {
    const flags = number();
    number();
    if (flags & 1) number();
  };
  const types = [], functions = [], exported = new Map();
  while (at < bytes.length) {
    const id = bytes[at++], end = number() + at;
    if (id === 1) {
      list(() => { at++; types.push({ params: list(valueType), results: list(valueType) }); });
    } else if (id === 2) {
      list(() => {
        text();
        text();
        switch (bytes[at++]) {
          case 0: functions.push(types[number()]); break;
          case 1: at++; limits(); break;
          case 2: limits(); break;
          case 3: at += 2; break;
          default: number(); number(); break;
        }
      });
    } else if (id === 3) {
      list(() => functions.push(types[number()]));
    } else if (id === 7) {
      list(() => {
        const name = text(), kind = bytes[at++], index = number();
        if (kind === 0) exported.set(name, functions[index]);
      });
    }
    at = end;
  }
  return exported;
}

const view = new DataView(new ArrayBuffer(8));

function spell(type, value) {
  const hex = (bits, digits) => `${type}:${bits.toString(16).padStart(digits, '0')}`;
  switch (type) {
    case 'i32': return hex(value >>> 0, 8);
    case 'i64': return hex(BigInt.asUintN(64, value), 16);
    case 'f32':
      view.setFloat32(0, value);
      return Number.isNaN(value) ? 'f32:nan' : hex(view.getUint32(0), 8);
    default:
      view.setFloat64(0, value);
      return Number.isNaN(value) ? 'f64:nan' : hex(view.getBigUint64(0), 16);
  }
}

const argument = (type, i) => (type === 'i64' ? BigInt(i + 1) : type === 'i32' ? i + 1 : i + 1.5);

function run(path) {
  const bytes = readFileSync(path), types = functionTypes(bytes), lines = [], imports = {};
  const module = new WebAssembly.Module(bytes);
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = (value) => { lines.push(`${name} ${spell(name.slice(4), value)}`); };
  }
  let instance;
  try {
    instance = new WebAssembly.Instance(module, imports);
  } catch {
    return 'no instance\n';
  }
  const windUp = instance.exports.hangLimitInitializer;
  for (const [name, { params, results }] of types) {
    const called = instance.exports[name], args = params.map(argument);
    if (called === windUp) continue;
    windUp?.();
    lines.push(`${name}(${args.map((value, i) => spell(params[i], value)).join(' ')})`);
    try {
      const result = called(...args), values = results.length < 2 ? [result] : [...result];
      lines.push(['=', ...results.map((type, i) => spell(type, values[i]))].join(' '));
    } catch {
      lines.push('trap');
    }
  }
  return lines.join('\n') + '\n';
}

for (const path of process.argv.slice(2)) {
  writeFileSync(path.replace(/wasm$/, 'node'), run(path));
}
