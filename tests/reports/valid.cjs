/*
 * node valid.cjs MODULES KIND FILE...: checks documents against what others published.
 *   results=SCHEMA  our own JSON Schema, with Ajv (2020-12)
 *   sarif           the SARIF 2.1.0 schema that @microsoft/jest-sarif carries, with Ajv (draft 4)
 *   tap             TAP 13 and 14, with tap-parser in strict mode: no fault in the form, in subtests neither
 *   github          workflows, with actionlint
 *   gitlab          .gitlab-ci.yml, with the schema of GitLab that gitlab-ci-local carries
 * Status 0: all are valid. Each fault is a line.
 */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const [modules, kind, ...files] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), 'x.js'));
let faults = 0;

function fault(file, text) {
    console.error(`${file}: ${text}`);
    faults++;
}

function check(validate, file, value) {
    if (!validate(value)) {
        for (const e of validate.errors.slice(0, 10))
            fault(file, `${e.instancePath || '/'}: ${e.message} ${JSON.stringify(e.params)}`);
    }
}

function ajv(Class, schema) {
    const instance = new Class({ strict: false, allErrors: true, unicodeRegExp: false });
    load('ajv-formats')(instance);
    return instance.compile(schema);
}

function json(validate) {
    for (const file of files)
        check(validate, file, JSON.parse(fs.readFileSync(file, 'utf8')));
}

const kinds = {
    results: (schema) => json(ajv(load('ajv/dist/2020').default, JSON.parse(fs.readFileSync(schema, 'utf8')))),
    sarif: () => json(ajv(load('ajv-draft-04').default,
        JSON.parse(fs.readFileSync(load.resolve('@microsoft/jest-sarif').replace(/index\.js$/, 'schemas/sarif-2.1.0-rtm.5.json'), 'utf8')))),
    tap: () => {
        const { Parser } = load('tap-parser');
        for (const file of files) {
            let tests = 0;
            const follow = (parser) => {
                parser.on('child', follow);
                parser.on('assert', (a) => {
                    tests++;
                    if (!a.ok && !a.diag && parser.level === deepest)
                        fault(file, `: not ok, and no diagnostics`);
                });
                parser.on('complete', (r) => {
                    r.failures.filter((f) => f.tapError).forEach((f) => fault(file, f.tapError));
                    // Too few tests are to the parser a failure, and no fault of the form.
                    if (r.plan.end === null || (!r.plan.skipAll && r.count !== r.plan.end - r.plan.start + 1))
                        fault(file, `the plan is ${r.plan.start}..${r.plan.end}, and there are ${r.count} tests`);
                });
            };
            const text = fs.readFileSync(file, 'utf8');
            const deepest = text.startsWith('TAP version 14') ? 1 : 0;
            const parser = new Parser({ strict: true });
            follow(parser);
            parser.end(text);
            if (tests === 0)
                fault(file, 'no test in it');
        }
    },
    github: async () => {
        const lint = await load('actionlint').createLinter();
        for (const file of files)
            for (const e of lint(fs.readFileSync(file, 'utf8'), '.github/workflows/' + path.basename(file)))
                fault(`${file}:${e.line}:${e.column}`, e.message);
    },
    gitlab: async () => {
        const place = path.join(path.resolve(modules), 'node_modules/gitlab-ci-local/src/schema/schema.js');
        const { schema } = await import(pathToFileURL(place));
        const validate = ajv(load('ajv').default, schema);
        for (const file of files)
            check(validate, file, load('js-yaml').load(fs.readFileSync(file, 'utf8')));
    },
};

(async () => {
    const [name, argument] = (kind || '').split('=');
    if (!kinds[name] || files.length === 0) {
        console.error('usage: valid.cjs MODULES results=SCHEMA|sarif|tap|github|gitlab FILE...');
        process.exit(2);
    }
    await kinds[name](argument);
    process.exit(faults ? 1 : 0);
})().catch((error) => {
    console.error(error.message);
    process.exit(2);
});
