// Answers the questions of vectors.txt: copies each line, with an own answer behind " = ".
'use strict';

const fs = require('node:fs');
const { HEADER_LEN, open, seal } = require('./wire.js');
const { Window } = require('./window.js');

function answerSeal(number, packet) {
	const datagram = Buffer.concat([Buffer.alloc(HEADER_LEN), Buffer.from(packet ?? '', 'hex')]);
	const sequence = BigInt(number);
	seal(datagram, datagram.length, Number(sequence >> 32n), Number(sequence & 0xffffffffn));
	return datagram.toString('hex');
}

function answerOpen(end, text) {
	const datagram = Buffer.from(text ?? '', 'hex');
	const verdict = open(end.window, datagram, end.mtu);
	return verdict === 'accepted' ? `${verdict} ${datagram.toString('hex', HEADER_LEN)}` : verdict;
}

function answerVectors() {
	let end = { window: new Window(), mtu: 0 };
	const answer = (line) => {
		const [question] = line.split(' = ');
		const [word, ...rest] = question.split(' ');
		if (word === 'end') end = { window: new Window(), mtu: Number(rest[0]) };
		if (word === 'seal') return `${question} = ${answerSeal(...rest)}`;
		if (word === 'open') return `${question} = ${answerOpen(end, ...rest)}`;
		return line;
	};
	fs.writeSync(1, fs.readFileSync(0, 'utf8').split('\n').map(answer).join('\n'));
}

module.exports = { answerVectors };
